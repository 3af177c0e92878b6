"""Writes few_shot.jsonl, 12 tools with six utterances each and some that no tool serves, and few_shot_cases.jsonl, other utterances to evaluate on.

    python examples/own_traces/make_few_shot.py

`TRAIN` and `UNSEEN` were written apart. The last group of the cases is about nothing that the tools can do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

Said = tuple[str, dict[str, Any]]


def tool(name: str, about: str, **parameters: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {
        "type": "function",
        "function": {"name": name, "description": about, "parameters": schema},
    }


def text(about: str, *options: str) -> dict[str, Any]:
    return {"type": "string", "description": about, **({"enum": list(options)} if options else {})}


AMOUNT = {"type": "number", "description": "In euros."}
CARD = text("The last four digits of the card.")

TOOLS = [
    tool("get_balance", "How much money is on an account.",
         account=text("Which account.", "current", "savings", "credit")),
    tool("transfer_money", "Send money to a person.", recipient=text("Full name."), amount=AMOUNT),
    tool("freeze_card", "Block a card at once, because it is lost or stolen.", card=CARD),
    tool("dispute_payment", "Contest a payment that the customer does not recognise.",
         payment_id=text("Such as TX-4411.")),
    tool("find_branch", "The nearest branch or cash machine.", postcode=text("Five digits.")),
    tool("change_pin", "Set a new PIN for a card.", card=CARD),
    tool("send_statement", "Send the statement that ends on a day.", date=text("YYYY-MM-DD.")),
    tool("set_limit", "Change how much a card may spend a month.", card=CARD, amount=AMOUNT),
    tool("exchange_rate", "What a foreign currency costs today.",
         currency=text("ISO code.", "USD", "GBP", "CHF")),
    tool("book_advisor", "Make an appointment with an advisor.", date=text("YYYY-MM-DD.")),
    tool("update_email", "Change the customer's e-mail address.", email=text("The new address.")),
    tool("cancel_standing_order", "Stop a payment that is made every month.",
         order_id=text("Such as SO-17.")),
]  # fmt: skip

TRAIN: dict[str, list[Said]] = {
    "get_balance": [
        ("What is the balance of my savings account?", {"account": "savings"}),
        ("How much do I have left on my current account?", {"account": "current"}),
        ("Show me what I owe on credit", {"account": "credit"}),
        ("Balance of the current account please", {"account": "current"}),
        ("Tell me how much money is in savings", {"account": "savings"}),
        ("Check my credit balance", {"account": "credit"}),
    ],
    "transfer_money": [
        ("Send 40 euros to Maria Keller", {"recipient": "Maria Keller", "amount": 40}),
        ("Transfer 250 to Jonas Brandt please", {"recipient": "Jonas Brandt", "amount": 250}),
        ("I want to pay Lena Hofer 18.50", {"recipient": "Lena Hofer", "amount": 18.5}),
        ("Move 1200 over to Peter Lang for the rent", {"recipient": "Peter Lang", "amount": 1200}),
        ("Please wire 75 to Sofia Marin", {"recipient": "Sofia Marin", "amount": 75}),
        ("Give Tom Adler 33 from my account", {"recipient": "Tom Adler", "amount": 33}),
    ],
    "freeze_card": [
        ("I lost my card ending in 4821, block it", {"card": "4821"}),
        ("Someone stole my wallet, freeze card 1177", {"card": "1177"}),
        ("Please lock the card 9032 right now", {"card": "9032"}),
        ("My card 5540 is missing, stop it", {"card": "5540"}),
        ("Block 6719, I left it in a taxi", {"card": "6719"}),
        ("Freeze my stolen card, the digits are 2208", {"card": "2208"}),
    ],
    "dispute_payment": [
        ("I never made payment TX-3310", {"payment_id": "TX-3310"}),
        ("Who charged me TX-8127? I do not recognise it", {"payment_id": "TX-8127"}),
        ("I want to dispute TX-4409", {"payment_id": "TX-4409"}),
        ("TX-5096 is a fraud, I did not buy anything there", {"payment_id": "TX-5096"}),
        ("Contest the transaction TX-7733 for me", {"payment_id": "TX-7733"}),
        ("This charge TX-1248 is wrong, I was billed twice", {"payment_id": "TX-1248"}),
    ],
    "find_branch": [
        ("Where is the nearest branch to 80331?", {"postcode": "80331"}),
        ("Is there a cash machine near 10115", {"postcode": "10115"}),
        ("Find an ATM around 50667", {"postcode": "50667"}),
        ("I need a branch close to 20095", {"postcode": "20095"}),
        ("Which office is in the area of 70173?", {"postcode": "70173"}),
        ("Where can I withdraw cash in 60311", {"postcode": "60311"}),
    ],
    "change_pin": [
        ("I want a new PIN for card 3345", {"card": "3345"}),
        ("Change the PIN of my card 7812", {"card": "7812"}),
        ("I forgot the PIN for 1904, give me another", {"card": "1904"}),
        ("Reset the secret number of card 6620", {"card": "6620"}),
        ("Can I choose a different PIN on 4088?", {"card": "4088"}),
        ("Set another PIN for the card ending 5271", {"card": "5271"}),
    ],
    "send_statement": [
        ("Send me the statement of 2026-03-31", {"date": "2026-03-31"}),
        ("I need my bank statement up to 2026-01-31", {"date": "2026-01-31"}),
        ("Please mail the account statement for 2025-12-31", {"date": "2025-12-31"}),
        ("Statement ending 2026-06-30 please", {"date": "2026-06-30"}),
        ("My tax office wants a statement as of 2026-02-28", {"date": "2026-02-28"}),
        ("Give me a copy of the statement from 2026-04-30", {"date": "2026-04-30"}),
    ],
    "set_limit": [
        ("Raise the limit of card 2210 to 3000", {"card": "2210", "amount": 3000}),
        ("Set the monthly limit on 8834 to 500", {"card": "8834", "amount": 500}),
        ("I want to spend at most 900 with card 1415", {"card": "1415", "amount": 900}),
        ("Lower the spending limit for 6093 to 250", {"card": "6093", "amount": 250}),
        ("Card 7751 needs a limit of 1500", {"card": "7751", "amount": 1500}),
        ("Increase my limit on 3908 to 2000", {"card": "3908", "amount": 2000}),
    ],
    "exchange_rate": [
        ("What is the exchange rate for USD?", {"currency": "USD"}),
        ("How much is one GBP in euros today?", {"currency": "GBP"}),
        ("CHF rate please", {"currency": "CHF"}),
        ("What do I get for my euros in USD", {"currency": "USD"}),
        ("Tell me the current rate of GBP", {"currency": "GBP"}),
        ("How many euros does CHF cost", {"currency": "CHF"}),
    ],
    "book_advisor": [
        ("I would like to see an advisor on 2026-05-12", {"date": "2026-05-12"}),
        ("Book an appointment for 2026-07-03", {"date": "2026-07-03"}),
        ("Can I talk to somebody about a mortgage on 2026-09-21?", {"date": "2026-09-21"}),
        ("Make me an appointment on 2026-08-14 please", {"date": "2026-08-14"}),
        ("Is an advisor free on 2026-10-02? Book it", {"date": "2026-10-02"}),
        ("I need a meeting at the bank on 2026-11-19", {"date": "2026-11-19"}),
    ],
    "update_email": [
        ("My new email is ana.p@mail.example", {"email": "ana.p@mail.example"}),
        ("Change my address to k.lorenz@post.example", {"email": "k.lorenz@post.example"}),
        ("Please use mia77@web.example from now on", {"email": "mia77@web.example"}),
        ("Update my e-mail to h.grau@firm.example", {"email": "h.grau@firm.example"}),
        ("Write to me at ben@home.example in future", {"email": "ben@home.example"}),
        ("I have another mail address: s.ott@mail.example", {"email": "s.ott@mail.example"}),
    ],
    "cancel_standing_order": [
        ("Cancel the standing order SO-41", {"order_id": "SO-41"}),
        ("Stop the monthly payment SO-77", {"order_id": "SO-77"}),
        ("I moved out, end standing order SO-12", {"order_id": "SO-12"}),
        ("Please delete SO-93, I no longer want to pay that every month", {"order_id": "SO-93"}),
        ("SO-58 should not be paid any more", {"order_id": "SO-58"}),
        ("Remove my recurring payment SO-26", {"order_id": "SO-26"}),
    ],
}

UNSEEN: dict[str, list[Said]] = {
    "get_balance": [
        ("Could you look up how full my savings pot is?", {"account": "savings"}),
        ("I'd like to know what's on the current account right now", {"account": "current"}),
        ("What's my credit account standing at?", {"account": "credit"}),
        ("How much money have I got in my current account", {"account": "current"}),
        ("Savings: what is the balance today?", {"account": "savings"}),
    ],
    "transfer_money": [
        ("Pay Clara Weiss 60 for dinner", {"recipient": "Clara Weiss", "amount": 60}),
        ("I owe Marco Rossi 145, send it to him", {"recipient": "Marco Rossi", "amount": 145}),
        ("Can you transfer 22.90 to Ines Vogel", {"recipient": "Ines Vogel", "amount": 22.9}),
        ("Please get 500 to Hanna Stolz today", {"recipient": "Hanna Stolz", "amount": 500}),
        ("80 euros should go to Emil Frank", {"recipient": "Emil Frank", "amount": 80}),
    ],
    "freeze_card": [
        ("My purse was stolen! Card 3391 must be blocked", {"card": "3391"}),
        ("I can't find card 7426 anywhere, please freeze it", {"card": "7426"}),
        ("Lock 8150 immediately, somebody took it", {"card": "8150"}),
        ("Stop card 6604, I think I dropped it on the train", {"card": "6604"}),
        ("Put a block on my lost card 2957", {"card": "2957"}),
    ],
    "dispute_payment": [
        ("There is a payment TX-9081 that isn't mine", {"payment_id": "TX-9081"}),
        ("I don't know what TX-2276 is, I did not authorise it", {"payment_id": "TX-2276"}),
        ("Please dispute the charge TX-6543", {"payment_id": "TX-6543"}),
        ("A shop billed me for nothing, see TX-1190", {"payment_id": "TX-1190"}),
        ("Get me my money back for the fraudulent TX-7002", {"payment_id": "TX-7002"}),
    ],
    "find_branch": [
        ("What's the closest branch if I live at 04109?", {"postcode": "04109"}),
        ("I need cash, any machine near 90402?", {"postcode": "90402"}),
        ("Do you have an office in 28195", {"postcode": "28195"}),
        ("Tell me where I can find an ATM by 40213", {"postcode": "40213"}),
        ("Nearest place to draw money, I'm in 01067", {"postcode": "01067"}),
    ],
    "change_pin": [
        ("I'd like to pick a new PIN for the card 5198", {"card": "5198"}),
        ("I can't remember my PIN, card 8267", {"card": "8267"}),
        ("Please reset the PIN on 3074", {"card": "3074"}),
        ("Could the PIN of 9415 be changed?", {"card": "9415"}),
        ("Someone saw my PIN, I need another one for 2683", {"card": "2683"}),
    ],
    "send_statement": [
        ("Can I have the statement as of 2026-05-31", {"date": "2026-05-31"}),
        ("I'm missing my account statement for 2025-11-30", {"date": "2025-11-30"}),
        ("Mail me the bank statement dated 2026-07-31", {"date": "2026-07-31"}),
        ("My landlord asks for a statement, 2026-08-31 will do", {"date": "2026-08-31"}),
        ("Another copy of the 2025-10-31 statement please", {"date": "2025-10-31"}),
    ],
    "set_limit": [
        ("Please change the limit of 4470 to 1800", {"card": "4470", "amount": 1800}),
        ("My card 9926 should not spend more than 350 a month", {"card": "9926", "amount": 350}),
        ("Put the monthly limit for card 5813 at 700", {"card": "5813", "amount": 700}),
        ("I need a higher limit on 1362, make it 4000", {"card": "1362", "amount": 4000}),
        ("Reduce what card 7045 may spend to 100", {"card": "7045", "amount": 100}),
    ],
    "exchange_rate": [
        ("How is USD doing against the euro?", {"currency": "USD"}),
        ("I'm off to London, what's the rate for GBP", {"currency": "GBP"}),
        ("What does one CHF cost at the moment?", {"currency": "CHF"}),
        ("Give me today's USD exchange rate", {"currency": "USD"}),
        ("Euros into CHF, what would I get?", {"currency": "CHF"}),
    ],
    "book_advisor": [
        ("Please arrange an appointment with an advisor for 2026-06-17", {"date": "2026-06-17"}),
        ("I want to discuss a loan in person on 2026-12-04", {"date": "2026-12-04"}),
        ("Could somebody advise me on 2026-10-26?", {"date": "2026-10-26"}),
        ("Reserve me a meeting for 2026-05-29", {"date": "2026-05-29"}),
        ("When I come in on 2026-09-08, I'd like to see an advisor", {"date": "2026-09-08"}),
    ],
    "update_email": [
        ("I changed my email, it's now paul.r@web.example", {"email": "paul.r@web.example"}),
        ("Please send my mail to nora_k@post.example instead", {"email": "nora_k@post.example"}),
        ("New e-mail address: d.stein@home.example", {"email": "d.stein@home.example"}),
        ("From now on reach me under ute@firm.example", {"email": "ute@firm.example"}),
        ("Could you replace my address by jan.b@mail.example?", {"email": "jan.b@mail.example"}),
    ],
    "cancel_standing_order": [
        ("I don't want SO-64 to run any longer, cancel it", {"order_id": "SO-64"}),
        ("End the recurring transfer SO-19", {"order_id": "SO-19"}),
        ("Standing order SO-85 can be stopped", {"order_id": "SO-85"}),
        ("Please stop paying SO-30 each month", {"order_id": "SO-30"}),
        ("Delete my standing order SO-47", {"order_id": "SO-47"}),
    ],
}  # fmt: skip

IDLE = (
    "How warm will it be tomorrow?",
    "Which film should I watch tonight?",
    "Do you know a good recipe for soup?",
    "What is the capital of Peru?",
    "Good morning, how are you?",
    "Sing me a song",
    "My neighbour's dog barks all night",
    "How tall is the Eiffel Tower?",
)

NOTHING = (
    "What is the weather like in Rome?",
    "Do you like football?",
    "Tell me a joke about bankers",
    "Who won the election?",
    "Write a poem for my wife",
    "Can you translate good morning into Greek?",
    "How do I get a stain out of a shirt?",
    "Thanks, you have been very kind",
)


def row(said: str, name: str, arguments: dict[str, Any], number: int) -> dict[str, Any]:
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    user, made = {"role": "user", "content": said}, {"role": "assistant", "tool_calls": [call]}
    return {"messages": [user, made]}


def idle(said: str) -> dict[str, Any]:
    answer = "I am sorry, I can only help with your bank accounts."
    user, made = {"role": "user", "content": said}, {"role": "assistant", "content": answer}
    return {"messages": [user, made]}


def main() -> None:
    rows = [
        row(said, name, given, n)
        for name, all_ in TRAIN.items()
        for n, (said, given) in enumerate(all_)
    ]
    rows += [idle(said) for said in IDLE]
    rows[0]["tools"] = TOOLS  # once is enough
    cases: list[dict[str, Any]] = [
        {
            "messages": [{"role": "user", "content": said}],
            "expected": {"name": name, "arguments": given},
        }
        for name, all_ in UNSEEN.items()
        for said, given in all_
    ]
    cases += [
        {"messages": [{"role": "user", "content": said}], "expected": None} for said in NOTHING
    ]
    for name, found in (("few_shot", rows), ("few_shot_cases", cases)):
        lines = "\n".join(json.dumps(each, ensure_ascii=False) for each in found)
        (HERE / f"{name}.jsonl").write_text(f"{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
