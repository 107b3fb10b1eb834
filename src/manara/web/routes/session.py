"""Signing in and out, who I am, my password, my preferences."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from manara.access.accounts import change_own_password, set_preferences
from manara.access.sessions import SignedIn, sign_in, sign_out, who_is
from manara.web.answers import Json
from manara.web.gate import COOKIE, client_address
from manara.web.services import Handed, Person, Services, Session

router = APIRouter(prefix="/api/session")


class SignIn(BaseModel):
    """What a person types."""

    model_config = ConfigDict(extra="forbid")
    account: str = Field(min_length=1, max_length=64)
    password: str = Field(min_length=1, max_length=1024)


class NewPassword(BaseModel):
    """A change of one's own password."""

    model_config = ConfigDict(extra="forbid")
    old: str = Field(min_length=1, max_length=1024)
    new: str = Field(min_length=1, max_length=1024)


@router.post("")
def begin(handed: Handed, request: Request, body: SignIn) -> Response:
    """Sign in; answers `me` and sets the session cookie."""
    access = handed.settings.access
    at = handed.now()
    address = client_address(request.scope)
    agent = request.headers.get("user-agent", "")
    token = sign_in(handed.database, access, body.account, body.password, address, agent, at)
    answer = Json(_view(handed, who_is(handed.database, access, token, address, at)))
    answer.set_cookie(
        COOKIE,
        token,
        max_age=access.session_absolute_s,
        httponly=True,
        samesite="strict",
        secure=is_secure(handed),
        path="/",
    )
    return answer


@router.get("")
def me(handed: Handed, session: Session) -> Response:
    """Who is signed in."""
    return Json(_view(handed, session))


@router.delete("", status_code=204)
def end(handed: Handed, person: Person) -> Response:
    """Sign out."""
    sign_out(handed.database, person, handed.now())
    answer = Response(status_code=204, headers={"Clear-Site-Data": '"cache"'})
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=is_secure(handed))
    return answer


@router.post("/password", status_code=204)
def password(handed: Handed, person: Person, body: NewPassword) -> Response:
    """Change one's own password; all other sessions of the account end."""
    at = handed.now()
    shortest = handed.settings.access.password_min_length
    change_own_password(handed.database, person, at, body.old, body.new, min_length=shortest)
    return Response(status_code=204)


@router.patch("/preferences")
def preferences(handed: Handed, person: Person, body: dict[str, Any]) -> Response:
    """Keep language, digits or theme."""
    kept = set_preferences(handed.database, person, handed.now(), body)
    return Json(_preferences(handed, kept))


def _view(handed: Services, session: SignedIn) -> dict[str, Any]:
    me = session.view(handed.settings.access)
    return me | {"preferences": _preferences(handed, session.preferences)}


def _preferences(handed: Services, kept: dict[str, Any]) -> dict[str, Any]:
    return {"language": handed.settings.deployment.language, "digits": "latn", "theme": "dark"} | kept


def is_secure(handed: Services) -> bool:
    """True where the browser reaches us over TLS (ours, or the named proxy's)."""
    return bool(handed.settings.web.tls_certificate or handed.settings.web.behind_proxy)
