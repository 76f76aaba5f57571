"""What is wrong with a request over HTTP, in the words of OpenAI's errors.

ServerError
└── BadRequest   a request that is not answered, with its HTTP status and its code
"""

from homespun.server.errors import ServerError


class BadRequest(ServerError):
    """A request that is not answered; the sentence goes to who asked."""

    def __init__(self, sentence: str, *, status: int = 400, code: str = "invalid_value") -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
