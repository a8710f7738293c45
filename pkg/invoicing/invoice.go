package invoicing

import (
	"fmt"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/named"
	"pixeltrack.io/platform/pkg/privacy/retention"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// The families of invoices. Lines are divided by their invoices.
const (
	Family       store.Family = "INVOICE"
	FamilyLines  store.Family = "INVOICELINE"
	FamilyPayer  store.Family = "INVOICEPAYER"
	FamilyNumber store.Family = "INVOICENUMBER"
	FamilyFile   store.Family = "INVOICEPDF"
)

// Status is the state of an invoice. Whether it is overdue is not a state: it follows from the day it is due on and the
// clock, so no job has to come by for it to be true. A job comes by so that it can be listed.
type Status string

// The states of an invoice.
const (
	Assembling Status = "assembling" // time is being put onto it; then it is a draft
	Draft      Status = "draft"
	Sent       Status = "sent"
	Viewed     Status = "viewed" // its public page was opened
	PartlyPaid Status = "partly_paid"
	Paid       Status = "paid"
	Void       Status = "void"
)

// Statuses lists the states.
func Statuses() []Status { return []Status{Assembling, Draft, Sent, Viewed, PartlyPaid, Paid, Void} }

// Invoice is a document that asks a client for money. From its sending on it changes only in what became of it. Who is to
// pay is in a row of its own, so that a person can go and the document stays; so are the lines, of which there may be many.
type Invoice struct {
	store.Meta
	Org         id.Organization `dynamo:"org"`
	ID          id.Invoice      `dynamo:"id"`
	Client      id.Client       `dynamo:"client"`
	Status      Status          `dynamo:"status"`
	Number      string          `dynamo:"number,omitempty"` // given when it is sent
	Currency    string          `dynamo:"currency"`
	Rounding    calc.Rounding   `dynamo:"tax_rounding"`
	Inclusive   bool            `dynamo:"prices_include_tax"`
	Discount    *Discount       `dynamo:"discount,omitempty"`
	LineCount   int             `dynamo:"line_count"`
	Revision    int64           `dynamo:"revision"` // of the lines: goes up whenever they are written
	Subtotal    int64           `dynamo:"subtotal"`
	Off         int64           `dynamo:"discount_total"`
	Net         int64           `dynamo:"net"`
	Taxes       []TaxSum        `dynamo:"taxes,omitempty"`
	Tax         int64           `dynamo:"tax"`
	Total       int64           `dynamo:"total"`
	Paid        int64           `dynamo:"paid"`              // up to the total
	Credits     []Credit        `dynamo:"credits,omitempty"` // what was paid beyond it, and by which payments
	TermsDays   int             `dynamo:"terms_days"`
	Order       string          `dynamo:"po_number,omitempty"`
	Notes       string          `dynamo:"notes,omitempty"`
	Terms       string          `dynamo:"terms,omitempty"`
	IssuedOn    string          `dynamo:"issued_on,omitempty"` // 2026-03-02, in the zone
	DueOn       string          `dynamo:"due_on,omitempty"`
	Zone        string          `dynamo:"time_zone,omitempty"` // the organisation's when it was sent
	Issuer      *Issuer         `dynamo:"issuer,omitempty"`
	IssuerTaxID []byte          `dynamo:"issuer_tax_id,omitempty"` // sealed; the issuer's when it was sent
	Logo        string          `dynamo:"logo,omitempty"`          // the key of the issuer's logo in the bucket of documents, as it was when it was sent
	Assembly    *Assembly       `dynamo:"assembly,omitempty"`      // of an invoice that was made of time
	Run         string          `dynamo:"run,omitempty"`           // which run is putting time onto it
	Link        string          `dynamo:"link,omitempty"`          // the hash of its public link
	SentAt      int64           `dynamo:"sent_at,omitempty"`
	ViewedAt    int64           `dynamo:"viewed_at,omitempty"`
	SettledAt   int64           `dynamo:"settled_at,omitempty"`
	VoidedAt    int64           `dynamo:"voided_at,omitempty"`
	Reason      string          `dynamo:"void_reason,omitempty"`
	Late        bool            `dynamo:"overdue,omitempty"` // it was overdue when somebody last looked; never when nothing is asked for
	KeepUntil   int64           `dynamo:"keep_until"`        // epoch seconds; when it is removed
	Created     int64           `dynamo:"created"`           // this and the other times without a word: epoch milliseconds
	Updated     int64           `dynamo:"updated"`
}

// Discount is a share or an amount that is taken off.
type Discount struct {
	Percent calc.Decimal `dynamo:"percent"`
	Amount  int64        `dynamo:"amount"`
}

// TaxSum is what a tax comes to over the document.
type TaxSum struct {
	Name   string       `dynamo:"name"`
	Rate   calc.Decimal `dynamo:"rate"`
	Base   int64        `dynamo:"base"`
	Amount int64        `dynamo:"amount"`
}

// Issuer is who asks for the money, as it was when the invoice was sent.
type Issuer struct {
	Name      string           `dynamo:"name"`
	LegalName string           `dynamo:"legal_name,omitempty"`
	Address   *clients.Address `dynamo:"address,omitempty"`
}

// Type is the row's type.
func (i *Invoice) Type() string { return "INVOICE" }

// Keys lists invoices by id, by shelf and client, and by time of change.
func (i *Invoice) Keys() store.Keys {
	s := store.OrganizationScope(i.Org)
	return store.Keys{
		Primary: Key(i.Org, i.ID),
		Index1:  store.Key{PK: shelf{i.Status, i.Late}.in(s), SK: store.Join(string(i.Client), string(i.ID))},
		Index2:  s.Updated(Family, time.UnixMilli(i.Updated), string(i.ID)),
	}
}

// Key is where an invoice lies.
func Key(org id.Organization, i id.Invoice) store.Key {
	return store.OrganizationScope(org).Key(Family, string(i))
}

// Issued says whether the invoice was sent, whatever became of it since.
func (i *Invoice) Issued() bool { return i.Number != "" }

// Open says whether money is still asked for.
func (i *Invoice) Open() bool { return i.Status.open() }

func (s Status) open() bool { return s == Sent || s == Viewed || s == PartlyPaid }

// Overdue says whether the day on which the money is due is over where it was asked for.
func (i *Invoice) Overdue(now time.Time) bool {
	return i.Open() && i.DueOn < today(now, i.Zone)
}

// today is the date in a zone.
func today(now time.Time, zone string) string { return now.In(location(zone)).Format(time.DateOnly) }

// location is a zone by its name; one that is not known counts as UTC.
func location(zone string) *time.Location {
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return time.UTC
	}
	return loc
}

// shelf is a partition of the first index: the invoices of a state that are not overdue, or those that are.
type shelf struct {
	status Status
	late   bool
}

// shelves lists the partitions of the first index in the order of the states. Where nothing is asked for, nothing is overdue.
func shelves() []shelf {
	var all []shelf
	for _, s := range Statuses() {
		all = append(all, shelf{s, false})
		if s.open() {
			all = append(all, shelf{s, true})
		}
	}
	return all
}

// in is the shelf's partition in an organisation.
func (s shelf) in(org store.Scope) string {
	if s.late {
		return org.Partition(Family, string(s.status), "overdue")
	}
	return org.Partition(Family, string(s.status))
}

// due is the clock of the invoice's retention.
func (i *Invoice) due() *store.Due {
	return store.NewDue(retention.InvoicePurge, time.Unix(i.KeepUntil, 0), Key(i.Org, i.ID))
}

// keep says how long the invoice is kept from now on: seven years from the last thing that mattered to it, and to the end of
// that day. The clock is armed with the row from its first version, so that even a draft that outlives its organisation has
// an end.
func (i *Invoice) keep(tx *store.Tx, org *store.Organization, from time.Time) {
	rule, _ := retention.Of(registry.ClassFinance)
	until, _ := rule.Due(from)
	until = until.Truncate(24*time.Hour).AddDate(0, 0, 1)
	if until.Unix() == i.KeepUntil {
		return
	}
	if i.KeepUntil != 0 {
		tx.Disarm(org, i.due(), true)
	}
	i.KeepUntil = until.Unix()
	tx.ArmWake(org, i.due())
}

// Payer is who is to pay, as it was when the invoice was written. It is blanked when the person goes, and the row stays as
// long as the invoice.
type Payer struct {
	store.Meta
	Org      id.Organization  `dynamo:"org"`
	Invoice  id.Invoice       `dynamo:"id"`
	Name     string           `dynamo:"name,omitempty"`
	Email    string           `dynamo:"email,omitempty"`
	Named    string           `dynamo:"named,omitempty"` // who is to pay, by the hash that they are found by when they ask
	Address  *clients.Address `dynamo:"address,omitempty"`
	TaxID    []byte           `dynamo:"tax_id,omitempty"`              // sealed; the client's when the invoice was sent
	ErasedAt int64            `dynamo:"erased_at,omitempty"`           // epoch seconds
	Original string           `dynamo:"original_pdf_sha256,omitempty"` // of the document that named the person
}

// Type is the row's type.
func (p *Payer) Type() string { return "INVOICEPAYER" }

// Keys puts the payer under the invoice's id, and lists one with an address for who has it.
func (p *Payer) Keys() store.Keys {
	return store.Keys{Primary: PayerKey(p.Org, p.Invoice), Index1: named.Key(p.Named, string(p.Org), string(p.Invoice))}
}

// name sets who is to pay from their address.
func (p *Payer) name(pseudonyms keys.Pseudonyms) {
	p.Named = ""
	if account.Normal(p.Email) != "" {
		p.Named = named.HashOf(pseudonyms, p.Email)
	}
}

// PayerKey is where the payer of an invoice lies.
func PayerKey(org id.Organization, i id.Invoice) store.Key {
	return store.OrganizationScope(org).Key(FamilyPayer, string(i))
}

// Number says that a number is given, and to which invoice. It is never given again.
type Number struct {
	store.Meta
	Invoice id.Invoice `dynamo:"invoice"`
	key     store.Key
}

// Type is the row's type.
func (n *Number) Type() string { return "INVOICENUMBER" }

// Keys puts a number under what it says.
func (n *Number) Keys() store.Keys { return store.Keys{Primary: n.key} }

func numberKey(org *store.Organization, number string) store.Key {
	return org.Scope().Key(FamilyNumber, number)
}

// Link leads from the hash of a public link to its invoice.
type Link struct {
	store.Meta
	Org     id.Organization `dynamo:"org"`
	Invoice id.Invoice      `dynamo:"invoice"`
	hash    string
}

// Type is the row's type.
func (l *Link) Type() string { return "INVOICELINK" }

// Keys puts the row under the hash of the link's token.
func (l *Link) Keys() store.Keys { return store.Keys{Primary: store.TokenLookup(l.hash)} }

// PartSize is how many lines one row holds, so that no row grows near the 400 KB that a row may have.
const PartSize = 25

// Part is some of the lines of an invoice.
type Part struct {
	store.Meta
	Org      id.Organization `dynamo:"org"`
	Invoice  id.Invoice      `dynamo:"invoice"`
	Part     int             `dynamo:"part"`
	Revision int64           `dynamo:"revision"` // of the invoice, when the part was written
	Lines    []Line          `dynamo:"lines"`
}

// Line is one line: so many of something at a price.
type Line struct {
	Description string       `dynamo:"description"`
	Quantity    calc.Decimal `dynamo:"quantity"`
	Unit        string       `dynamo:"unit,omitempty"`
	UnitPrice   int64        `dynamo:"unit_price"`
	Discount    *Discount    `dynamo:"discount,omitempty"`
	Taxes       []Tax        `dynamo:"taxes,omitempty"`
	Gross       int64        `dynamo:"gross"`
	Off         int64        `dynamo:"discount_total"`
	Amount      int64        `dynamo:"amount"`
}

// Tax is one tax of a line.
type Tax struct {
	Name string       `dynamo:"name"`
	Rate calc.Decimal `dynamo:"rate"`
}

// Type is the row's type.
func (p *Part) Type() string { return "INVOICELINE" }

// Keys puts the parts of an invoice into a partition of their own, in order.
func (p *Part) Keys() store.Keys { return store.Keys{Primary: partKey(p.Org, p.Invoice, p.Part)} }

func partKey(org id.Organization, i id.Invoice, part int) store.Key {
	return store.OrganizationScope(org).KeyIn(FamilyLines, string(i), fmt.Sprintf("%02d", part))
}

// parts cuts lines into rows.
func (i *Invoice) parts(lines []Line) []*Part {
	var all []*Part
	for n := 0; n*PartSize < len(lines); n++ {
		all = append(all, &Part{Org: i.Org, Invoice: i.ID, Part: n, Revision: i.Revision, Lines: lines[n*PartSize : min(len(lines), (n+1)*PartSize)]})
	}
	return all
}

// count has the calculator count the invoice and writes down what it says.
func (i *Invoice) count(lines []Line) error {
	in := calc.Invoice{Currency: i.Currency, Rounding: i.Rounding, Inclusive: i.Inclusive, Discount: i.Discount.rule(), Paid: i.Paid}
	for _, l := range lines {
		in.Lines = append(in.Lines, l.rule())
	}
	s, err := calc.Total(in)
	if err != nil {
		return err
	}
	for n := range lines {
		lines[n].Gross, lines[n].Off, lines[n].Amount = s.Lines[n].Gross, s.Lines[n].Discount, s.Lines[n].Amount
	}
	i.LineCount, i.Subtotal, i.Off, i.Net, i.Tax, i.Total, i.Taxes = len(lines), s.Subtotal, s.Discount, s.Net, s.Tax, s.Total, nil
	for _, t := range s.Taxes {
		i.Taxes = append(i.Taxes, TaxSum{Name: t.Name, Rate: t.Rate, Base: t.Base, Amount: t.Amount})
	}
	return nil
}

func (d *Discount) rule() calc.Discount {
	if d == nil {
		return calc.Discount{}
	}
	return calc.Discount{Percent: d.Percent, Amount: d.Amount}
}

func (l Line) rule() calc.Line {
	c := calc.Line{Quantity: l.Quantity, UnitPrice: l.UnitPrice, Discount: l.Discount.rule()}
	for _, t := range l.Taxes {
		c.Taxes = append(c.Taxes, calc.Tax{Name: t.Name, Rate: t.Rate})
	}
	return c
}

// money is an amount in the invoice's currency.
func (i *Invoice) money(amount int64) money.Money {
	return money.Money{Amount: amount, Currency: i.Currency}
}
