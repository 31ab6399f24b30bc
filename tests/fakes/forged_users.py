"""Tokens of Entra ID that prove no person of our tenant to us, each made by a running fake `Entra`.

Every one is wrong in a single respect, and what can be right is. Those of `tests.fakes.forged` are wrong here, too.
Sources: learn.microsoft.com "Secure applications and APIs by validating claims", "Optional claims reference".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.entra import MEGAN, ROLE, Entra
from tests.fakes.microsoft import ABSENT, APP_ID, Key, rsa_key

Forge = Callable[[Entra], str]

OTHER_TENANT = "72f988bf-86f1-41af-91ab-2d7cd011db47"


def admin(**claims: Any) -> Forge:
    return lambda entra: entra.admin(**claims)


def of_version_1(entra: Entra) -> str:
    """What comes while the registration's requestedAccessTokenVersion is not 2."""
    tenant = entra.claims()["tid"]
    return entra.admin(
        ver="1.0", iss=f"https://sts.windows.net/{tenant}/", aud=f"api://{APP_ID}", appid=entra.claims()["azp"]
    )


def issuer_of(tenant: str) -> Forge:
    return lambda entra: entra.admin(iss=entra.claims()["iss"].replace(entra.claims()["tid"], tenant))


FORGED_USERS: Mapping[str, Forge] = {
    # not a person's access token
    "an app's own token": Entra.of_an_app,
    "an app's own token, marked as such": lambda entra: entra.of_an_app(idtyp="app"),
    "an app's own token with a scope": lambda entra: entra.of_an_app(idtyp="app", scp="access_as_user"),
    "a person's token marked as an app's": admin(idtyp="app"),
    "idtyp null": admin(idtyp=None),
    "idtyp a list": admin(idtyp=["user"]),
    "an ID token": Entra.id_token,
    "version 1.0": of_version_1,
    "version 1.0, issuer and audience of 2.0": admin(ver="1.0"),
    "version missing": admin(ver=ABSENT),
    "version a number": admin(ver=2.0),
    # of another tenant
    "tid of another tenant": admin(tid=OTHER_TENANT),
    "tid missing": admin(tid=ABSENT),
    "tid a list": lambda entra: entra.admin(tid=[entra.claims()["tid"]]),
    "tid in upper case": lambda entra: entra.admin(tid=entra.claims()["tid"].upper()),
    "issuer of another tenant": issuer_of(OTHER_TENANT),
    "issuer of no tenant": issuer_of("common"),
    "issuer with the template": issuer_of("{tenantid}"),
    "issuer without version": lambda entra: entra.admin(iss=entra.claims()["iss"].removesuffix("/v2.0")),
    # for something else
    "the app's URI as audience": admin(aud=f"api://{APP_ID}"),
    "for Microsoft Graph": admin(aud="00000003-0000-0000-c000-000000000000", scp="User.Read access_as_user"),
    "scp missing": admin(scp=ABSENT),
    "scp null": admin(scp=None),
    "scp empty": admin(scp=""),
    "scp a list": admin(scp=["access_as_user"]),
    "scp an object": admin(scp={"access_as_user": True}),
    "another scope": admin(scp="User.Read"),
    "a scope that begins alike": admin(scp="access_as_user.all"),
    "a scope that ends alike": admin(scp="not_access_as_user"),
    "the scope in capitals": admin(scp="Access_As_User"),
    "the scope as its address": admin(scp=f"api://{APP_ID}/access_as_user"),
    "a line end instead of a space": admin(scp="User.Read\naccess_as_user"),
    # of nobody
    "oid missing": admin(oid=ABSENT),
    "oid null": admin(oid=None),
    "oid a number": admin(oid=7),
    "oid a list": admin(oid=[MEGAN]),
    "oid empty": admin(oid=""),
    "oid a name": admin(oid="megan"),
    "oid in braces": admin(oid=f"{{{MEGAN}}}"),
    "oid with a line end": admin(oid=f"{MEGAN}\n"),
    "oid in other digits": admin(oid=MEGAN.replace("5", "\N{ARABIC-INDIC DIGIT FIVE}")),
    # roles
    "roles a text": admin(roles=ROLE),
    "roles an object": admin(roles={ROLE: True}),
    "roles null": admin(roles=None),
    "a role that is no name": admin(roles=[ROLE, 1]),
    # other keys
    "a key nobody published": lambda entra: entra.mint(key=Key("someone", rsa_key(98), None)),
    "the right key id, another key": lambda entra: entra.mint(key=Key(entra.keys[0].kid, rsa_key(98), None)),
    "the id of a key that is there, the next key": lambda entra: entra.mint(
        key=Key(entra.keys[0].kid, entra.keys[1].private, None)
    ),
}
