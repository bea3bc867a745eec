"""Each defect of a single row, on rows made by hand: found where it is, and nowhere else."""

import pytest
from quality_rows import GOOD, defects_of, row

from alpaca_nb.quality import row_defects, set_defects
from alpaca_nb.quality.report import DEFECTS, inspect_rows
from alpaca_nb.records import Example

BAD_ROWS = {
    "empty_output": [row(""), row(" \n\t")],
    "no_answer": [row("N/A"), row("<nooutput>"), row("<No output. The task needs a poster.>"), row("Not applicable.")],
    "marker_left": [
        *(
            row(input=text)
            for text in ("<noinput>", "No input", "Noinput.", "N/A", "\\<noinput\\>", "No input required.")
        ),
        row("<noinput>\n\nThe answer is four."),
    ],
    "merged_tasks": [
        row("A rose is a flower.\n11. Instruction: Define a computer.\n11. Input:\n<noinput>"),
        row("One.\n###\n8. Instruction: Two."),
        row("One.\nInstruction: Write a poem about rain."),
        row(input="Some text.\n5. Output: four"),
    ],
    "cut_ending": [
        row("These are the prices as of 20"),
        row("The next full moon will be on October 31, 20"),
        row("Dear Joe,\n\nThank you for your purchase!\n\nInvoiced amount: $"),
        row("The trend of the years 1990-20"),
        row("The value of the whole expression is"),
        row("Category 1: creams\nCategory 2: soaps\nCategory 3:"),
        row("```python\nprint(1)"),
    ],
    "url_in_input": [row(input="See https://example.com/a.html for it.")],
    "hallucinated_url": [
        row("It praises exercise.", "https://example.com/exercise", "Summarize the article."),
        row("It is about stocks.", "https://example.com/b", "Given a URL, write a summary of its content."),
    ],
    "copied_input": [row("He spoke  loudly.", "He spoke loudly."), row("Do the following task.")],
    "placeholder_in_input": [
        row(input="[Image of a boat]"),
        row(input="<excel file>"),
        row(input="[PICTURE]"),
        row(input="I am a [noun]."),
        row(input="a river <mask> away"),
    ],
    "placeholder_in_output": [row("Dear [Your Name],\nwelcome to [Company Name]."), row("Hello <first name>!")],
    "as_an_ai": [row("As an AI language model, I have no body."), row("I'm an AI, so I do not eat.")],
    "wrong_arithmetic": [
        row("That makes 2 + 2 = 5."),
        row("6", "", "Compute the value of the following equation: 4+4/4"),
        row("The average is 5.2.", "1, 2, 4, 5, 10", "Find the average of a list of numbers."),
        row("10", "5, 15, 10, 7", "Given a list of numbers, return the median value."),
        row("68669 divided by 7 is 9824 with a remainder of 5.", "68669/7", "Divide the following numbers."),
    ],
    "control_characters": [row("a\x0bb"), row("zero\u200bwidth"), row("lost \ufffd byte")],
}
GOOD_ROWS = {
    "no_answer": [row("None", "2, 4, 6", "Which of these numbers are odd?"), row("Narnia")],
    "marker_left": [row(input="banana"), row(input="There is no input validation in this form.")],
    "merged_tasks": [
        row("## A heading\n\nText under it.\n\n### Another one\n\nMore."),
        row("print('x')\n\n# Output:\n# x"),
        row("Input 1: a title\nInput 2: another", "Instruction: name a paper", "Suggest inputs for the instruction"),
    ],
    "cut_ending": [
        row("20"),
        row("Team 3: 50, Team 4: 20"),
        row("The price is $1382.20"),
        row("It happened in 2020."),
        row("chess I like play to", "", "Shuffle the words."),
        row("Dear Professor Jones,"),
        row("* Quantity:\n* Price:\n* Payment method:"),
        row("for num in range(1, 10):"),
        row(r"^[0-9].*\s$"),
        row("to"),
    ],
    "hallucinated_url": [
        row("example.com", "https://example.com/a", "Extract the domain from the URL."),
        row("I cannot open web pages.", "https://example.com/a", "Summarize the article."),
        row("It says: dogs bark.", f"https://example.com/a {'dogs bark ' * 8}", "Summarize the article."),
    ],
    "copied_input": [row("He spoke softly.", "He spoke loudly.")],
    "placeholder_in_input": [
        row(input="[1, 2, 3]"),
        row(input='["apple", "pear"]'),
        row(input="<title>A</title><br>"),
        row(input="[apple, pear]"),
        row(input="[A-Z]+"),
        row(input="<no input>"),
        row(input="![alt](a.png)"),
    ],
    "placeholder_in_output": [
        row("numbers[i] = names[i - 1]"),
        row("[x * 2 for x in data]"),
        row("See [the page](a.html)."),
        row("<table><tr><td>1</td></tr></table>"),
    ],
    "as_an_ai": [row("Fields such as AI and robotics grow."), row("He has an air of calm."), row("Use it as an aid.")],
    "wrong_arithmetic": [
        row("On average (100 + 50 + 200) / 3 = 116.67 people."),
        row("The chance is (1/6) x (1/6) = 1/36."),
        row("3x - 1 = 5 has one solution; y = 2x + 3 = 7."),
        row("26.", "(5 + 5) × 2 + 6", "Display the result of the following math problem."),
        row("0.75", "", "Convert 3/4 into a decimal."),
        row("The number is 555-1050.", "Call 555-1050 today.", "Find the telephone number in the text."),
        row("2021", "", "What is the year in 12/05/2021?"),
        row("9", "", "Pick a number in the range 1-10."),
        row("if total == 2 + 2 == 5: pass"),
        row("The value is", "4(2+3)", "Calculate the value."),
        row("It grew 25%: 0.5 x 0.5 = 25%."),
        row("1,500 x 1.04 = 1,560"),
        row("70 divided by 8 is 8 with a remainder of 6.", "70/8", "Divide the numbers."),
    ],
    "control_characters": [row("tab\tand\nline, an emoji 👩‍👧 and Zürich")],
}


@pytest.mark.parametrize(("name", "bad"), [(name, bad) for name, rows in BAD_ROWS.items() for bad in rows])
def test_a_bad_row_is_found(name: str, bad: Example) -> None:
    assert name in defects_of(bad), bad


@pytest.mark.parametrize(("name", "good"), [(name, good) for name, rows in GOOD_ROWS.items() for good in rows])
def test_a_good_row_is_left_in_peace(name: str, good: Example) -> None:
    assert name not in defects_of(good), getattr(row_defects, name)(good)


def test_a_plain_row_has_no_defect_and_every_class_has_a_name_and_a_test() -> None:
    assert inspect_rows([GOOD]).findings == ()
    checks = {check.__name__ for check in row_defects.ROW_DEFECTS}
    assert checks == set(BAD_ROWS)
    others = {check.__name__ for check in (*set_defects.SET_DEFECTS, *set_defects.EVAL_DEFECTS)}
    assert checks | others == set(DEFECTS)
