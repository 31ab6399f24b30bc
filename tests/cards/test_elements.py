import pytest

from cards.elements import (
    AdaptiveCard,
    Choice,
    ChoiceSet,
    Column,
    Container,
    Execute,
    OpenUrl,
    RichTextBlock,
    Strict,
    Submit,
    TextInput,
    TextRun,
    Toggle,
)


@pytest.mark.parametrize(
    ("element", "misspelt"),
    [
        (TextRun, "txet"),
        (TextRun, "wieght"),
        (RichTextBlock, "inline"),
        (Container, "item"),
        (OpenUrl, "href"),
        (Execute, "date"),
        (AdaptiveCard, "action"),
        (TextInput, "maxLength"),
        (Toggle, "checked"),
        (ChoiceSet, "choice"),
    ],
)
def test_a_misspelt_property_is_refused_by_name(element: type[Strict], misspelt: str) -> None:
    with pytest.raises(TypeError, match=f"has no property '{misspelt}'"):
        element(**{misspelt: "x"})


def test_a_value_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"TextRun\.text must be of type"):
        TextRun(text=5)
    with pytest.raises(TypeError, match=r"Column\.width must be of type"):
        Column(width=1.5)


def test_an_element_is_complete_when_it_is_built() -> None:
    run = TextRun(text="a")
    with pytest.raises(TypeError, match="complete"):
        run.text = "b"
    with pytest.raises(TypeError, match="complete"):
        run.txet = "b"  # pyright: ignore[reportAttributeAccessIssue]


def test_elements_become_plain_json_in_their_parent() -> None:
    block = RichTextBlock(inlines=[TextRun(text="a", isSubtle=True)], spacing="none")
    assert AdaptiveCard(version="1.3", body=[Container(items=[block])]).render() == {
        "type": "AdaptiveCard",
        "version": "1.3",
        "body": [
            {
                "type": "Container",
                "items": [
                    {
                        "type": "RichTextBlock",
                        "inlines": [{"type": "TextRun", "text": "a", "isSubtle": True}],
                        "spacing": "none",
                    }
                ],
            }
        ],
    }


def test_actions_have_their_names_on_the_wire() -> None:
    assert [action.render()["type"] for action in (OpenUrl(), Submit(), Execute())] == [
        "Action.OpenUrl",
        "Action.Submit",
        "Action.Execute",
    ]


def test_inputs_have_their_names_on_the_wire() -> None:
    assert TextInput(id="a", is_multiline=True, max_length=5).render() == {
        "type": "Input.Text",
        "id": "a",
        "isMultiline": True,
        "maxLength": 5,
    }
    assert ChoiceSet(id="b", choices=[Choice(title="No", value="no")]).render() == {
        "type": "Input.ChoiceSet",
        "id": "b",
        "choices": [{"type": "Input.Choice", "title": "No", "value": "no"}],
    }
    assert Toggle(id="c", title="On").render() == {"type": "Input.Toggle", "id": "c", "title": "On"}
