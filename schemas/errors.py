"""Errors that say whose fault it is and what to do now."""


class ContractError(Exception):
    """A record breaks its contract: the sender's fault; it goes to the dead letters.

    `code` is stable and in kebab case, `path` points into the record (`/identifiers/phone`),
    `what` says what is wrong and `mend` how to put it right.
    """

    def __init__(self, code: str, path: str, what: str, mend: str) -> None:
        super().__init__(f"{path or '/'}: {what} {mend} [{code}]")
        self.code, self.path, self.what, self.mend = code, path, what, mend
