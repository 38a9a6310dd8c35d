"""What replies tell besides their time, in the words of the status columns."""

from netstats_xl.domain.results import HttpAnswer, Outcome, Replied, Strays

CERTIFICATE_WARNING_DAYS = 14
"""A web server whose certificate expires in less than so many days counts as degraded."""


def answer_of(outcome: Outcome, host: str) -> str:
    """What the last reply of a round said: `200, total 35 ms, certificate 61 d`, `connected`, a name's addresses.

    Of a ping it is the address that answered, where the host (as its cell has it) is a name. Empty without a reply,
    and where there is nothing to tell.
    """
    if not isinstance(outcome, Replied):
        return ""
    if outcome.http is not None:
        return _web_answer(outcome.http)
    return outcome.answer or ("" if outcome.address == host else outcome.address)


def certificate_problem(outcome: Outcome) -> str:
    """That the web server's certificate expires soon; empty where it does not, or there is none."""
    http = outcome.http if isinstance(outcome, Replied) else None
    if http is None or http.certificate_days is None or http.certificate_days >= CERTIFICATE_WARNING_DAYS:
        return ""
    days = int(http.certificate_days)
    return f"the certificate expires in {_counted(days, 'day')}" if days else "the certificate expires today"


def strays_problem(strays: Strays) -> str:
    """The replies that count for nothing: `2 duplicate replies; answers come from 10.0.0.9`; empty: none."""
    counts = (("duplicate", strays.duplicates), ("late", strays.late), ("corrupted", strays.corrupted))
    told = [_counted(count, f"{kind} reply", f"{kind} replies") for kind, count in counts if count]
    if strays.elsewhere:
        told.append(f"answers come from {strays.elsewhere}")
    return "; ".join(told)


def _web_answer(http: HttpAnswer) -> str:
    certificate = f", certificate {int(http.certificate_days)} d" if http.certificate_days is not None else ""
    return f"{http.status}, total {http.total_ms:,.0f} ms{certificate}"


def _counted(count: int, one: str, several: str = "") -> str:
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"
