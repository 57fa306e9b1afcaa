"""Service Layer's refusals: HTTP status, code and text, as facts and user guide give them, and their v2 body."""

from __future__ import annotations

from typing import Any

# Texts are SAP's own, since clients meet them; codes and statuses are those observed on 10.0 systems.
SESSION_TEXT = "Invalid session or session already timeout."


class SapError(Exception):
    """A request that Service Layer refuses; nothing of it is kept."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """The v2 shape: the code is text."""
        return {"error": {"code": str(self.code), "details": [{"code": "", "message": ""}], "message": self.message}}


def no_session() -> SapError:
    """No, unknown or expired B1SESSION."""
    return SapError(401, 301, SESSION_TEXT)


def wrong_password() -> SapError:
    """User or password refused."""
    return SapError(401, -304, "Fail to NONE-SSO login from SLD.")


def wrong_company() -> SapError:
    """Unknown CompanyDB."""
    return SapError(401, -306, "Fail to NONE-SSO login from SLD.")


def login_race() -> SapError:
    """Two logins at the same moment."""
    return SapError(500, 299, "SAML Login Failed")


def switch_company() -> SapError:
    """A node could not open the company; passes by itself."""
    return SapError(500, 305, "Switch company error: -1102")


def transaction_lost() -> SapError:
    """A write without ROUTEID that landed on another node."""
    return SapError(400, -1116, "Could not commit transaction: Error -1 detected during transaction")


def unknown_path() -> SapError:
    """No such set or operation."""
    return SapError(400, 200, "Unrecognized resource path.")


def no_such_command() -> SapError:
    """The verb does not exist there."""
    return SapError(400, -1008, "Command Not Found")


def not_supported() -> SapError:
    """The object does not allow the verb."""
    return SapError(400, -5006, "The requested action is not supported for this object.")


def no_match() -> SapError:
    """GET of a key that is not there."""
    return SapError(404, -2028, "No matching records found (ODBC -2028)")


def no_entity(key_text: str) -> SapError:
    """PATCH or DELETE of a key that is not there."""
    return SapError(404, -2028, f"Entity with value({key_text}) does not exist")


def entry_exists() -> SapError:
    """A unique key is taken."""
    return SapError(400, -2035, "This entry already exists in the following tables (ODBC -2035)")


def modified_meanwhile() -> SapError:
    """If-Match named another version."""
    return SapError(
        412,
        -2039,
        "Another user or another operation modified data; to continue, open the window again (ODBC -2039)",
    )


def query_error(message: str) -> SapError:
    """A query option that cannot be understood."""
    return SapError(400, 201, message)


def invalid_filter() -> SapError:
    """$filter outside the grammar."""
    return query_error("Query string error - Invalid filter condition")


def unknown_query_property(name: str, type_name: str) -> SapError:
    """$filter, $select or $orderby names what the type does not have."""
    return query_error(f"Property '{name}' of '{type_name}' is invalid")


def unknown_body_property(name: str, type_name: str) -> SapError:
    """A body names what the type does not have."""
    return SapError(400, -1000, f"Property '{name}' of '{type_name}' is invalid")


def bad_body(message: str) -> SapError:
    """A body that is no JSON object, or a value of the wrong type."""
    return SapError(400, -1000, message)


def invalid_value(value: object, property_name: str, valid: str) -> SapError:
    """A value outside an enumeration or a user field's list."""
    return SapError(
        400, -1004, f"'{value}' is not a valid value for property '{property_name}'. The valid values are: {valid}"
    )


def too_long(property_name: str, type_name: str) -> SapError:
    """More characters than the column holds. The code is inferred: a business message."""
    return SapError(400, -10, f"Value too long in property '{property_name}' of '{type_name}'")


def rule(field: str, message: str, line: int | None = None) -> SapError:
    """A business rule; ``field`` is TABLE.Column as SAP prints it, ``line`` counts rows from 1."""
    place = f"[{field}]" if line is None else f"[{field}][line: {line}]"
    return SapError(400, -5002, f"{message} {place}")


def unknown_partner(code: object) -> SapError:
    """A document for a business partner that does not exist or may not have one."""
    return SapError(400, -5002, f"Invalid BP code [ORDR.CardCode] , '{code}'")


def field_cannot_be_updated(field: str) -> SapError:
    """A change of a closed or cancelled document, or of what is fixed once a document stands."""
    return SapError(400, -1029, f"Field cannot be updated [{field}]")


def item_exists(code: object) -> SapError:
    """An item code in use."""
    return SapError(400, -10, f"Item code '{code}' already exists")


def drafted(status: int) -> SapError:
    """The document went to approval as a draft, so that the order to be read back is not there."""
    return SapError(status, -2028, no_match().message)
