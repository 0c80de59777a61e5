"""Fills a new database with the least that a professional-services firm needs. Runs in Tryton's environment.

Standard input says in JSON which database, with which settings, fiscal years and passwords. What is made: a
company in US dollars (and rates for EUR and GBP), the chart of accounts that Tryton brings, fiscal years of
twelve open periods, a payment term, two employees with a cost per hour, three products, and two users: one
with the rights that an integration needs, and one without any. Customers and projects are not made: they come
in through the connector.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from proteus import Model, Wizard, config

Record = Any  # a proteus model is made at run time, so a type checker cannot know its fields

RATES = {"USD": "1", "EUR": "0.90", "GBP": "0.80"}
# Key, code in the chart of accounts that Tryton brings.
CHART = {"receivable": "1.2.1", "payable": "2.1.1", "revenue": "4.1.2", "expense": "5.1.3"}
EMPLOYEES = (("EMP-001", "Ada Byron", "50"), ("EMP-002", "Grace Murray", "65.50"))
PRODUCTS = (
    ("CONSULT-H", "Consulting hour", "Hour", "150"),
    ("MILESTONE", "Milestone", "Unit", "10000"),
    ("RETAINER", "Support retainer", "Unit", "1200"),
)
# What the integration may do; it is not the administrator, so that missing rights show.
GROUPS = (
    "Accounting",
    "Accounting Administration",
    "Account Product Administration",
    "Company Administration",
    "Employee Administration",
    "Party Administration",
    "Product Administration",
    "Project Administration",
    "Project Invoice",
    "Timesheet Administration",
)


def one(model: str, *domain: tuple[str, str, object]) -> Record:
    """The only record that fits."""
    found = Model.get(model).find(list(domain), limit=2)
    if len(found) != 1:
        raise LookupError(f"{len(found)} records of {model} fit {domain}")
    return found[0]


def saved(model: str, /, **values: object) -> Record:
    """A new record, stored."""
    record = Model.get(model)(**values)
    record.save()
    return record


def make_company(since: date) -> Record:
    """Make the company, its currency and the rates of two others."""
    currencies = {}
    for code, rate in RATES.items():
        currencies[code] = saved("currency.currency", name=code, code=code, symbol=code)
        saved("currency.currency.rate", date=since, currency=currencies[code], rate=Decimal(rate))
    wizard = Wizard("company.company.config")
    wizard.execute("company")
    wizard.form.party = saved("party.party", name="Example Services", code="COMPANY")
    wizard.form.currency = currencies["USD"]
    wizard.execute("add")
    return one("company.company")


def make_chart(company: Record) -> Mapping[str, Record]:
    """Make the chart of accounts and the accounts that are used where none is named."""
    wizard = Wizard("account.create_chart")
    wizard.execute("account")
    template = Model.get("ir.model.data").get_id(
        "account.account_template_root_en", config.get_config().context
    )
    wizard.form.account_template = Model.get("account.account.template")(template)
    wizard.form.company = company
    wizard.execute("create_account")
    accounts = {key: one("account.account", ("code", "=", code)) for key, code in CHART.items()}
    wizard.form.account_receivable = accounts["receivable"]
    wizard.form.account_payable = accounts["payable"]
    wizard.form.category_account_expense = accounts["expense"]
    wizard.form.category_account_revenue = accounts["revenue"]
    wizard.execute("create_properties")
    return accounts


def make_year(company: Record, year: int) -> None:
    """Make a fiscal year of twelve open periods, with its own numbers for entries and invoices."""
    kind = {name: one("ir.sequence.type", ("name", "=", name)) for name in ("Account Move", "Invoice")}
    moves = saved(
        "ir.sequence.strict", name=f"Entries {year}", company=company, sequence_type=kind["Account Move"]
    )
    invoices = saved(
        "ir.sequence.strict",
        name=f"Invoices {year}",
        prefix=f"INV-{year}-",
        padding=5,
        company=company,
        sequence_type=kind["Invoice"],
    )
    fiscal = Model.get("account.fiscalyear")(name=str(year), company=company)
    fiscal.start_date, fiscal.end_date = date(year, 1, 1), date(year, 12, 31)
    fiscal.move_sequence = moves
    (numbers,) = fiscal.invoice_sequences
    numbers.out_invoice_sequence = numbers.in_invoice_sequence = invoices
    numbers.out_credit_note_sequence = numbers.in_credit_note_sequence = invoices
    fiscal.save()
    fiscal.click("create_period")


def make_products(accounts: Mapping[str, Record]) -> None:
    """Make what is sold: hours, milestones, retainers."""
    category = saved(
        "product.category",
        name="Services",
        accounting=True,
        account_revenue=accounts["revenue"],
        account_expense=accounts["expense"],
    )
    for code, name, unit, price in PRODUCTS:
        template = Model.get("product.template")(name=name, type="service", account_category=category)
        template.default_uom = one("product.uom", ("name", "=", unit))
        template.list_price = Decimal(price)
        template.products[0].suffix_code = code
        template.save()


def make_employees(company: Record, since: date) -> list[Record]:
    """Make those who do the work, with what an hour of theirs costs."""
    made = []
    for code, name, cost in EMPLOYEES:
        employee = Model.get("company.employee")(company=company)
        employee.party = saved("party.party", name=name, code=code)
        employee.cost_prices.new(date=since, cost_price=Decimal(cost))
        employee.save()
        made.append(employee)
    return made


def make_payment_term() -> None:
    """Make the term of thirty days that customers get."""
    term = Model.get("account.invoice.payment_term")(name="30 days")
    term.lines.new(type="remainder").relativedeltas.new(days=30)
    term.save()


def make_user(login: str, password: str, company: Record, groups: Sequence[Record]) -> Record:
    """Make a user whose messages are in English, because their text is all that tells them apart."""
    user = Model.get("res.user")(name=login.title(), login=login)
    user.password = password
    user.language = one("ir.lang", ("code", "=", "en"))
    user.groups.extend(groups)
    user.companies.append(Model.get("company.company")(company.id))
    user.company = Model.get("company.company")(company.id)
    return user


def fill(years: Sequence[int], passwords: Mapping[str, str]) -> None:
    """Make everything, in the order in which one thing needs another."""
    since = date(years[0], 1, 1)
    company = make_company(since)
    # The context names the company from here on, as a client's does once its user has one.
    config.get_config()._context = Model.get("res.user").get_preferences(True, {})  # noqa: SLF001 - it has no door for this
    accounts = make_chart(company)
    for year in years:
        make_year(company, year)
    make_products(accounts)
    make_payment_term()
    employees = make_employees(company, since)
    groups = [one("res.group", ("name", "=", name)) for name in GROUPS]
    integration = make_user("integration", passwords["integration"], company, groups)
    integration.employees.extend(Model.get("company.employee")(each.id) for each in employees)
    integration.save()
    make_user("clerk", passwords["clerk"], company, ()).save()


if __name__ == "__main__":
    wishes = json.load(sys.stdin)
    config.set_trytond(f"sqlite:///{wishes['database']}", config_file=wishes["settings"])
    fill(wishes["years"], wishes["passwords"])
