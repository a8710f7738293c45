package invoicing

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clients"
	"pixeltrack.io/platform/pkg/invoicing/calc"
	"pixeltrack.io/platform/pkg/money"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/taxid"
)

// DiscountBody is a discount on the wire.
type DiscountBody struct {
	Percent string       `json:"percent,omitempty" pattern:"^[0-9]{1,3}([.][0-9]{1,6})?$" doc:"Up to 100; not together with amount." example:"10"`
	Amount  *money.Money `json:"amount,omitempty" doc:"In the invoice's currency."`
}

// TaxBody is a tax of a line on the wire.
type TaxBody struct {
	Name string `json:"name" minLength:"1" maxLength:"50" example:"VAT"`
	Rate string `json:"rate" pattern:"^[0-9]{1,3}([.][0-9]{1,6})?$" doc:"In percent, up to 100." example:"19"`
}

// LineIn is a line as it is sent in.
type LineIn struct {
	Description string        `json:"description" minLength:"1" maxLength:"500" example:"Sketches"`
	Quantity    string        `json:"quantity,omitempty" default:"1" pattern:"^[0-9]{1,9}([.][0-9]{1,6})?$" doc:"An exact decimal of at most six places, more than 0." example:"1.5"`
	Unit        string        `json:"unit,omitempty" maxLength:"20" example:"h"`
	UnitPrice   money.Money   `json:"unit_price" doc:"Of one, in the invoice's currency."`
	Discount    *DiscountBody `json:"discount,omitempty"`
	Taxes       []TaxBody     `json:"taxes,omitempty" maxItems:"5" doc:"Each name once; none for what is exempt."`
}

// LineBody is a line with what it comes to.
type LineBody struct {
	LineIn
	DiscountTotal money.Money `json:"discount_total"`
	Amount        money.Money `json:"amount" doc:"Quantity times price less the discount, rounded half away from zero."`
}

// TaxSumBody is what a tax comes to over the invoice.
type TaxSumBody struct {
	TaxBody
	Base   money.Money `json:"base" doc:"What the tax is taken of, without taxes."`
	Amount money.Money `json:"amount"`
}

// PayerBody is who is to pay.
type PayerBody struct {
	Name    string           `json:"name" minLength:"1" maxLength:"200" example:"Example Bakery"`
	Email   string           `json:"email,omitempty" maxLength:"254" pattern:"^([^\\s@<>,;]+@[^\\s@<>,;]+)?$" doc:"Where the invoice is mailed to." example:"office@example.com"`
	Address *clients.Address `json:"address,omitempty"`
}

// RecipientBody is who is to pay, with what the invoice took over of its client.
type RecipientBody struct {
	PayerBody
	TaxID string `json:"tax_id,omitempty" doc:"The client's when the invoice was sent. Shown on the document, by the public link, and where one invoice is read with the right tax_id:read; elsewhere as dots." example:"DE987654321"`
}

// IssuerBody is who asks for the money.
type IssuerBody struct {
	Name      string           `json:"name" example:"Example Studio"`
	LegalName string           `json:"legal_name,omitempty" example:"Example Studio GmbH"`
	Address   *clients.Address `json:"address,omitempty"`
	TaxID     string           `json:"tax_id,omitempty" doc:"Shown as the recipient's." example:"DE123456789"`
}

// Sums is what an invoice comes to. Net and tax are the total; with prices that include taxes the subtotal does too.
type Sums struct {
	Currency      string        `json:"currency" doc:"ISO 4217." example:"EUR"`
	Inclusive     bool          `json:"prices_include_tax"`
	TaxRounding   calc.Rounding `json:"tax_rounding" enum:"line,document" doc:"The organization's rule when the draft was counted."`
	Subtotal      money.Money   `json:"subtotal" doc:"All lines."`
	Discount      *DiscountBody `json:"discount,omitempty"`
	DiscountTotal money.Money   `json:"discount_total" doc:"What the invoice's own discount takes off the subtotal."`
	Net           money.Money   `json:"net" doc:"The total without taxes."`
	Taxes         []TaxSumBody  `json:"taxes" doc:"By name and rate."`
	TaxTotal      money.Money   `json:"tax_total"`
	Total         money.Money   `json:"total"`
	PaidTotal     money.Money   `json:"paid_total"`
	Due           money.Money   `json:"amount_due"`
}

// Summary is an invoice without its lines and its payer, as lists show it.
type Summary struct {
	ID       string `json:"id" example:"inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Number   string `json:"number,omitempty" doc:"Given when it is sent." example:"INV-2026-0001"`
	Status   Status `json:"status" enum:"assembling,draft,sent,viewed,partly_paid,paid,void"`
	Overdue  bool   `json:"overdue" doc:"Money is still asked for, and the day it was due on is over in the issuer's time zone. It is so at once; the filter overdue=true follows within a day."`
	ClientID string `json:"client_id" example:"cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Sums
	Credit     *money.Money `json:"credit_total,omitempty" doc:"What was paid beyond the total; payments say which."`
	LineCount  int          `json:"line_count" example:"1"`
	TermsDays  int          `json:"payment_terms_days" example:"14"`
	IssuedOn   string       `json:"issued_on,omitempty" format:"date" example:"2026-03-02"`
	DueOn      string       `json:"due_on,omitempty" format:"date" example:"2026-03-16"`
	PONumber   string       `json:"po_number,omitempty" example:"PO-77"`
	SentAt     *time.Time   `json:"sent_at,omitempty"`
	ViewedAt   *time.Time   `json:"viewed_at,omitempty" doc:"When the public page was first opened."`
	SettledAt  *time.Time   `json:"settled_at,omitempty" doc:"When nothing was due any more."`
	VoidedAt   *time.Time   `json:"voided_at,omitempty"`
	VoidReason string       `json:"void_reason,omitempty"`
	CreatedAt  time.Time    `json:"created_at"`
	UpdatedAt  time.Time    `json:"updated_at"`
}

// Body is a whole invoice.
type Body struct {
	Summary
	Issuer    *IssuerBody    `json:"issuer,omitempty" doc:"As it was when the invoice was sent."`
	Recipient *RecipientBody `json:"recipient,omitempty" doc:"Who is to pay, as it was when the invoice was written; gone when the person was erased."`
	Erased    *time.Time     `json:"recipient_erased_at,omitempty" doc:"When the recipient was erased."`
	Original  string         `json:"original_pdf_sha256,omitempty" doc:"Of the document that the recipient got, which was replaced when the recipient was erased."`
	Lines     []LineBody     `json:"lines"`
	Notes     string         `json:"notes,omitempty" doc:"On the invoice." example:"Thank you."`
	Terms     string         `json:"terms,omitempty" doc:"On the invoice."`
	Assembly  *AssemblyBody  `json:"assembly,omitempty" doc:"Of an invoice that was made of unbilled time."`
	Delivery  string         `json:"delivery,omitempty" doc:"What became of the mail to the client, for 30 days." example:"delivered"`
	PublicURL string         `json:"public_url,omitempty" doc:"The page for the client; shown once, by the call that sends the invoice."`
}

// Out is the answer of a route about one invoice.
type Out struct {
	api.Tagged
	Body Body
}

func show(now time.Time, d *document) *Out {
	return &Out{Tagged: api.Tag(d.Version), Body: d.body(now)}
}

func summary(now time.Time, i *Invoice) Summary {
	s := Summary{ID: string(i.ID), Number: i.Number, Status: i.Status, Overdue: i.Overdue(now), ClientID: string(i.Client), Sums: i.sums(),
		LineCount: i.LineCount, TermsDays: i.TermsDays, IssuedOn: i.IssuedOn, DueOn: i.DueOn, PONumber: i.Order, SentAt: instant(i.SentAt), ViewedAt: instant(i.ViewedAt),
		SettledAt: instant(i.SettledAt), VoidedAt: instant(i.VoidedAt), VoidReason: i.Reason, CreatedAt: time.UnixMilli(i.Created).UTC(), UpdatedAt: time.UnixMilli(i.Updated).UTC()}
	if over := i.credit(); over != 0 {
		m := i.money(over)
		s.Credit = &m
	}
	return s
}

func instant(milliseconds int64) *time.Time {
	if milliseconds == 0 {
		return nil
	}
	t := time.UnixMilli(milliseconds).UTC()
	return &t
}

func (i *Invoice) sums() Sums {
	s := Sums{Currency: i.Currency, Inclusive: i.Inclusive, TaxRounding: i.Rounding, Subtotal: i.money(i.Subtotal), Discount: i.discount(i.Discount),
		DiscountTotal: i.money(i.Off), Net: i.money(i.Net), Taxes: []TaxSumBody{}, TaxTotal: i.money(i.Tax), Total: i.money(i.Total), PaidTotal: i.money(i.Paid), Due: i.money(i.Total - i.Paid)}
	for _, t := range i.Taxes {
		s.Taxes = append(s.Taxes, TaxSumBody{TaxBody: TaxBody{Name: t.Name, Rate: t.Rate.String()}, Base: i.money(t.Base), Amount: i.money(t.Amount)})
	}
	return s
}

func (i *Invoice) discount(d *Discount) *DiscountBody {
	switch {
	case d == nil:
		return nil
	case d.Percent != 0:
		return &DiscountBody{Percent: d.Percent.String()}
	}
	m := i.money(d.Amount)
	return &DiscountBody{Amount: &m}
}

func (i *Invoice) line(l Line) LineBody {
	b := LineBody{LineIn: LineIn{Description: l.Description, Quantity: l.Quantity.String(), Unit: l.Unit, UnitPrice: i.money(l.UnitPrice), Discount: i.discount(l.Discount)},
		DiscountTotal: i.money(l.Off), Amount: i.money(l.Amount)}
	for _, t := range l.Taxes {
		b.Taxes = append(b.Taxes, TaxBody{Name: t.Name, Rate: t.Rate.String()})
	}
	return b
}

func (d *document) body(now time.Time) Body {
	b := Body{Summary: summary(now, d.Invoice), Lines: []LineBody{}, Notes: d.Notes, Terms: d.Terms, Assembly: d.Assembly.body()}
	if i := d.Issuer; i != nil {
		b.Issuer = &IssuerBody{Name: i.Name, LegalName: i.LegalName, Address: i.Address, TaxID: taxid.Mask(d.IssuerTaxID)}
	}
	if p := d.payer; p != nil && p.Name != "" {
		b.Recipient = &RecipientBody{PayerBody{Name: p.Name, Email: p.Email, Address: p.Address}, taxid.Mask(p.TaxID)}
	}
	if p := d.payer; p != nil && p.ErasedAt != 0 {
		at := time.Unix(p.ErasedAt, 0).UTC()
		b.Erased, b.Original = &at, p.Original
	}
	for _, l := range d.lines {
		b.Lines = append(b.Lines, d.line(l))
	}
	if d.mail != nil {
		b.Delivery = delivery(d.mail.State)
	}
	return b
}

// delivery says of a mail what concerns who sent it.
func delivery(s outbox.State) string {
	if s == outbox.Sending {
		return string(outbox.Queued)
	}
	return string(s)
}

// parse reads a discount; where is its place in the input.
func (b *DiscountBody) parse(currency, where string) (*Discount, error) {
	switch {
	case b == nil:
		return nil, nil
	case b.Percent != "" && b.Amount != nil:
		return nil, problem.InvalidField(where, "percent or amount, not both")
	case b.Amount != nil && b.Amount.Currency != currency:
		return nil, problem.InvalidField(where+".amount", "not in the invoice's currency")
	case b.Amount != nil:
		return &Discount{Amount: b.Amount.Amount}, nil
	case b.Percent == "":
		return nil, nil
	}
	percent, err := calc.ParseDecimal(b.Percent)
	if err != nil {
		return nil, problem.InvalidField(where+".percent", "not a decimal up to 100")
	}
	return &Discount{Percent: percent}, nil
}

// parseLines reads lines as they were sent in.
func parseLines(in []LineIn, currency string) ([]Line, error) {
	lines := make([]Line, len(in))
	for n, b := range in {
		where := fmt.Sprintf("body.lines[%d]", n)
		l, err := b.parse(currency, where)
		if err != nil {
			return nil, err
		}
		lines[n] = l
	}
	return lines, nil
}

func (b LineIn) parse(currency, where string) (Line, error) {
	l := Line{Description: strings.TrimSpace(b.Description), Unit: strings.TrimSpace(b.Unit), UnitPrice: b.UnitPrice.Amount}
	if l.Description == "" {
		return l, problem.InvalidField(where+".description", "must not be blank")
	}
	if b.UnitPrice.Currency != currency {
		return l, problem.InvalidField(where+".unit_price", "not in the invoice's currency")
	}
	if b.Quantity == "" {
		b.Quantity = "1"
	}
	var err error
	if l.Quantity, err = calc.ParseDecimal(b.Quantity); err != nil {
		return l, problem.InvalidField(where+".quantity", "not a decimal of at most six places")
	}
	if l.Discount, err = b.Discount.parse(currency, where+".discount"); err != nil {
		return l, err
	}
	for n, t := range b.Taxes {
		rate, err := calc.ParseDecimal(t.Rate)
		if err != nil {
			return l, problem.InvalidField(fmt.Sprintf("%s.taxes[%d].rate", where, n), "not a decimal up to 100")
		}
		l.Taxes = append(l.Taxes, Tax{Name: strings.TrimSpace(t.Name), Rate: rate})
	}
	return l, nil
}

// wrong turns what the calculator refuses into a problem of the input.
func wrong(err error) error {
	where := "body"
	var line *calc.LineError
	if errors.As(err, &line) {
		where = fmt.Sprintf("body.lines[%d]", line.Line)
	}
	for cause, field := range map[error]string{calc.ErrCurrency: "currency", calc.ErrLines: "lines", calc.ErrQuantity: "quantity", calc.ErrPrice: "unit_price",
		calc.ErrDiscount: "discount", calc.ErrTaxes: "taxes"} {
		if errors.Is(err, cause) {
			return problem.InvalidField(where+"."+field, cause.Error())
		}
	}
	if errors.Is(err, calc.ErrTooLarge) {
		return problem.InvalidField("body.lines", calc.ErrTooLarge.Error())
	}
	return err
}

func example() Body {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	eur := func(amount int64) money.Money { return money.Money{Amount: amount, Currency: "EUR"} }
	vat := TaxBody{Name: "VAT", Rate: "19"}
	return Body{Summary: Summary{ID: "inv_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Status: Draft, ClientID: "cli_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB",
		Sums: Sums{Currency: "EUR", TaxRounding: calc.PerDocument, Subtotal: eur(13500), DiscountTotal: eur(0), Net: eur(13500),
			Taxes: []TaxSumBody{{TaxBody: vat, Base: eur(13500), Amount: eur(2565)}}, TaxTotal: eur(2565), Total: eur(16065), PaidTotal: eur(0), Due: eur(16065)},
		LineCount: 1, TermsDays: 14, PONumber: "PO-77", CreatedAt: at, UpdatedAt: at},
		Recipient: &RecipientBody{PayerBody: PayerBody{Name: "Example Bakery", Email: "office@example.com", Address: &clients.Address{Line1: "Beispielweg 1", PostalCode: "10115", City: "Berlin", Country: "DE"}}},
		Lines: []LineBody{{LineIn: LineIn{Description: "Sketches", Quantity: "1.5", Unit: "h", UnitPrice: eur(9000), Taxes: []TaxBody{vat}},
			DiscountTotal: eur(0), Amount: eur(13500)}},
		Notes: "Thank you."}
}

// exampleSent is the example after it was sent.
func exampleSent() Body {
	b := example()
	b.Status, b.Number, b.IssuedOn, b.DueOn, b.SentAt = Sent, "INV-2026-0001", "2026-03-02", "2026-03-16", &b.CreatedAt
	b.Issuer = &IssuerBody{Name: "Example Studio", LegalName: "Example Studio GmbH", Address: &clients.Address{Line1: "Beispielstraße 1", PostalCode: "10115", City: "Berlin", Country: "DE"}, TaxID: "DE123456789"}
	b.Delivery = string(outbox.Queued)
	return b
}
