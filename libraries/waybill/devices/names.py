"""The names of a scenario and those of the server, each found by the other."""

from __future__ import annotations


class Names:
    """Maps the server's names to the scenario's. A name that the scenario never gave out is passed on as it
    is: the checker must see that the server speaks of somebody whom nobody invited."""

    def __init__(self) -> None:
        self._users: dict[str, str] = {}
        self._accounts: dict[str, str] = {}
        self._conversations: dict[str, str] = {}

    def add_user(self, account: str, user: str) -> None:
        """The account plays this user."""
        self._users[account] = user
        self._accounts[user] = account

    def add_conversation(self, server_name: str, name: str) -> None:
        """The server's conversation plays this one."""
        self._conversations[server_name] = name

    def user(self, account: str) -> str:
        """The user that an account plays."""
        return self._users.get(account, account)

    def account(self, user: str) -> str:
        """The account that plays a user."""
        return self._accounts.get(user, user)

    def conversation(self, server_name: str) -> str:
        """The conversation that one of the server's plays."""
        return self._conversations.get(server_name, server_name)
