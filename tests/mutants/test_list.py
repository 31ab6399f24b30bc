"""The list of mutants speaks of the code as it is: else they would prove nothing."""

from __future__ import annotations

import ast
from collections import Counter
from dataclasses import replace

import pytest

from tests.mutants.mutants import Mutant, read_mutants
from tests.world import ROOT

MUTANTS = read_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.id)
def test_a_mutant_changes_one_place_of_a_file_that_stays_readable(mutant: Mutant) -> None:
    assert mutant.problem() == ""
    before = (ROOT / mutant.file).read_text(encoding="utf-8")
    after = before.replace(mutant.old, mutant.new)
    assert ast.dump(ast.parse(after)) != ast.dump(ast.parse(before))


def test_a_mutant_of_code_that_is_gone_or_stands_there_twice_or_of_tests_that_are_gone_is_refused() -> None:
    mutant = MUTANTS[0]
    assert "0 times" in replace(mutant, old="what stands nowhere").problem()
    assert "not once" in replace(mutant, old="it.").problem()
    assert "There is no" in replace(mutant, tests=("tests/test_of_nothing.py",)).problem()
    assert "There is no" in replace(mutant, tests=(f"{mutant.tests[0]}::test_of_nothing",)).problem()


def test_each_mutant_has_a_name_of_its_own_and_says_in_a_sentence_what_it_breaks() -> None:
    assert [name for name, times in Counter(mutant.id for mutant in MUTANTS).items() if times > 1] == []
    assert [mutant.id for mutant in MUTANTS if not mutant.claim.endswith(".")] == []
    assert len(MUTANTS) >= 15
