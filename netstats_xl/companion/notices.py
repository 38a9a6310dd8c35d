"""What the user should know while a companion is at work."""


class Notices:
    """Sentences by topic; a topic's sentence goes when its cause has gone. Any thread may use it."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def set(self, topic: str, text: str) -> None:
        """Tell this of the topic from now on."""
        self._texts[topic] = text

    def clear(self, topic: str) -> None:
        """Tell nothing of the topic any more."""
        self._texts.pop(topic, None)

    def texts(self, *topics: str) -> tuple[str, ...]:
        """What is told of these topics, as far as anything is; of all where none is named."""
        texts = self._texts.copy()  # other threads add and remove meanwhile
        return tuple(texts[topic] for topic in topics or texts if topic in texts)
