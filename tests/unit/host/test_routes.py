"""Route templates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.host.config import ConfigError
from local.host.routes import compile_route, routing_path

GUID = "3f2504e0-4f89-11d3-9a0c-0305e82c3301"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("runs", "/api/runs", {}),
        ("runs", "/API/Runs/", {}),
        ("runs", "/api/runs/1", None),
        ("runs", "/runs", None),
        ("runs/{id}", "/api/runs/7", {"id": "7"}),
        ("runs/{id}", "/api/runs", None),
        ("runs/{id}", "/api/runs/", None),
        ("runs/{id}/cancel", "/api/runs/7/cancel", {"id": "7"}),
        ("runs/{id?}", "/api/runs", {}),
        ("runs/{id:int?}", "/api/runs/8", {"id": "8"}),
        ("runs/{id:int?}", "/api/runs/x", None),
        ("runs/{id=5}", "/api/runs", {"id": "5"}),
        ("runs/{id=5}", "/api/runs/6", {"id": "6"}),
        ("files/{*rest}", "/api/files/a/b c", {"rest": "a/b c"}),
        ("files/{*rest}", "/api/files", {}),
        ("{a}/x-{b}.{c}", "/api/1/x-2.3", {"a": "1", "b": "2", "c": "3"}),
        ("a.b", "/api/a.b", {}),
        ("a.b", "/api/axb", None),
        ("T/{tEmplate}", "/api/t/Ab", {"tEmplate": "Ab"}),
    ],
)
def test_a_path_fits_a_template_or_does_not(template: str, path: str, expected: dict[str, str] | None) -> None:
    assert compile_route("api", template).match(path) == expected


@pytest.mark.parametrize(
    ("constraint", "fitting", "unfit"),
    [
        ("int", "-12", "2147483648"),
        ("long", "2147483648", "1.5"),
        ("guid", GUID, GUID[:-1]),
        ("alpha", "abC", "a1"),
        ("bool", "TRUE", "yes"),
        ("datetime", "2026-11-22", "soon"),
        ("decimal", "1.25", "1,25"),
        ("double", "1e3", "e"),
        ("minlength(2)", "ab", "a"),
        ("maxlength(2)", "ab", "abc"),
        ("length(2)", "ab", "a"),
        ("length(2,3)", "abc", "abcd"),
        ("min(3)", "3", "2"),
        ("max(3)", "3", "4"),
        ("range(3,5)", "5", "6"),
        ("regex(^[a-z]-x$)", "B-x", "bx"),
        ("int:min(3)", "4", "2"),
    ],
)
def test_a_constraint_is_part_of_the_match(constraint: str, fitting: str, unfit: str) -> None:
    route = compile_route("", f"{{v:{constraint}}}")
    assert route.match(f"/{fitting}") == {"v": fitting}
    assert route.match(f"/{unfit}") is None


def test_without_a_prefix_routes_start_at_the_root() -> None:
    assert compile_route("", "{*all}").match("/a/b") == {"all": "a/b"}
    assert compile_route("", "/x").match("/x") == {}


@pytest.mark.parametrize("template", ["/runs", "{a", "a}", "{a:nonsense}", "{a:min(x)}", "{a:range(1)}"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(ConfigError):
        compile_route("api", template)


@given(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_text_without_a_slash_is_one_segment(value: str) -> None:
    assert compile_route("api", "x/{v}").match(f"/api/x/{value}") == {"v": value}


def test_an_encoded_slash_stays_encoded_and_all_else_is_decoded_once() -> None:
    assert routing_path("/api/a%20b%2Fc%2525?x=1") == "/api/a b%2Fc%25"
