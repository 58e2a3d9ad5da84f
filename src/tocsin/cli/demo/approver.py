"""Amira: she reads her mail, opens the link in it, looks at the page, and decides."""

import asyncio
import re
from collections.abc import Callable

from tocsin.cli.demo.browser import forms_of, submit
from tocsin.cli.demo.mailserver import Mail, SmtpSink
from tocsin.core.errors import Unavailable

POLL_S = 0.05
_LINK = re.compile(r"https?://\S+/asks/[A-Za-z0-9_-]+")


class Approver:
    """A person with a mail address and an access token."""

    def __init__(self, mails: SmtpSink, *, address: str, token: str, tell: Callable[[str], None]) -> None:
        self._mails, self._address, self._token, self._tell = mails, address, token, tell
        self.decided: set[str] = set()

    async def work(self) -> None:
        """Answer every ask that arrives by mail, until cancelled; raises Unavailable when an answer is not taken."""
        read = 0
        while True:
            messages = self._mails.messages
            for mail in messages[read:]:
                if self._address in mail.recipients:
                    await self._read(mail)
            read = len(messages)
            await asyncio.sleep(POLL_S)

    async def _read(self, mail: Mail) -> None:
        link = _LINK.search(mail.text)
        if link is not None and link[0] not in self.decided:
            self.decided.add(link[0])
            self._tell(f"Amira reads: {mail.subject}")
            await self._decide(link[0])

    async def _decide(self, link: str) -> None:
        import httpx

        async with httpx.AsyncClient(timeout=10.0, trust_env=False) as browser:
            page = await browser.get(link, follow_redirects=True)
            signin = next((form for form in forms_of(page.text) if "token" in form.fields and not form.buttons), None)
            if signin is not None:
                page = await submit(browser, signin, page=link, token=self._token)
                page = await browser.get(link)
            choice = next((form for form in forms_of(page.text) if ("answer", "approve") in form.buttons), None)
            if choice is None:
                raise Unavailable(f"The page {link} does not offer 'approve' (status {page.status_code}).")
            answered = await submit(browser, choice, page=link, answer="approve", reason="Looks right; contain it.")
        if answered.status_code != 200:
            raise Unavailable(f"The answer to {link} was not taken: status {answered.status_code}.")
        self._tell("Amira approves, on the page that the mail leads to")
