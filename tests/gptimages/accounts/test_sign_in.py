"""The whole way through the real provider over real HTTP."""

from __future__ import annotations

from support.signing_in import sign_in


def test_a_demo_person_signs_in_and_sees_their_account(demo):
    """A person whose identity is known is signed in by the provider's word alone and led to where they wanted to go."""
    with demo.browser() as client:
        answer = sign_in(client, "demo-ines", next_path="/account")
        assert (answer.status_code, answer.headers["location"]) == (303, "/account"), answer.text
        page = client.get("/account")
        assert page.status_code == 200, page.text
        assert "Ines Halvorsen" in page.text
        assert "ines.halvorsen@example.org" in page.text
