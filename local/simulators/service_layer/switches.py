"""What the sources infer or what differs between installations: one switch each, with the case we think usual."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass
class Switches:
    """Settings of a simulated installation; may be changed while it runs.

    Order: reading, writing, sessions and nodes.
    """

    page_size: int = 20
    """b1s.conf PageSize."""
    collation: Literal["binary", "ignore_case"] = "binary"
    """HANA compares and orders text by code point; SQL Server usually ignores case, also in keys."""
    max_url_bytes: int = 8190
    """Apache's default LimitRequestLine; longer request lines get 414."""
    select_freezes_etag: bool = True
    """With $select the etag in the body stays that of DataVersion 1, and GET sends no ETag header (seen on 2511)."""

    too_long: Literal["refuse", "truncate"] = "refuse"
    """What happens to text longer than its column."""
    update_stamp_on_create: bool = False
    """True: UpdateDate and UpdateTime are set at creation; False: null until the first update."""
    series_number_name: Literal["SeriesProperty", "Series"] = "SeriesProperty"
    """The metadata calls a series' number SeriesProperty; clients report Series in the JSON."""
    series_sub_types: bool = True
    """SeriesService takes the letters C, S, L as sub types of object type 2 (inferred)."""
    stale_nodes: bool = False
    """True: a new user field is known only to the node that created it, until `restart_nodes`."""

    price_edits_move_stamps: bool = False
    """True: a PATCH of an item that names only ItemPrices moves UpdateDate and UpdateTime as any other does.
    False (general Business One knowledge, not tested): it raises DataVersion alone. An edit in SAP's own price list
    window, played through ``/_sim/data``, never moves stamp or DataVersion (inferred as well)."""
    tax_rounding: Literal["line", "document"] = "line"
    """Where tax is rounded: on every row, or once for each tax code of a document."""
    foreign_amounts: Literal["document", "local"] = "document"
    """The currency of a LineTotal given in a document of a foreign currency (inferred; LineTotalFC and RowTotalFC are
    always the document's)."""
    line_total_given: Literal["kept", "ignored"] = "kept"
    """A LineTotal given on an item row stands and yields the discount (inferred), or is computed regardless."""
    partner_discount: bool = True
    """A document that names no DiscountPercent takes the business partner's (inferred)."""
    user_fields_are_copied: bool = True
    """A document that is based on another one takes the header's user fields it does not name from it (inferred)."""
    close_makes_opportunities: Literal["sos_Sold", "sos_Missed"] = "sos_Sold"
    """What the action Close makes of an open sales opportunity (inferred)."""
    document_time: Literal["minutes", "seconds"] = "minutes"
    """How fine DocTime, the creation time of a document, is (the column holds HHMM; inferred)."""
    approval_procedure: bool = False
    """True: every new order becomes a draft; the answer is code -2028, or 204 for who prefers no content."""
    approval_status: Literal[404, 400] = 404
    """HTTP status of that -2028."""

    session_minutes: int = 30
    """Idle minutes after which a session ends (b1s.conf SessionTimeout)."""
    nodes: int = 2
    """Members behind the load balancer."""
    writes_need_route: bool = False
    """True: a write without the ROUTEID cookie fails with -1116."""
    logins_race: bool = False
    """True: of logins at the same moment, all but the first fail with 500/299."""
    requests_per_connection: int | None = None
    """Apache's MaxKeepAliveRequests (100 on a default installation); None leaves connections open."""
