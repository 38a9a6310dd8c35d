"""The rules of the product: no clock, no input or output, no third party but pydantic."""
