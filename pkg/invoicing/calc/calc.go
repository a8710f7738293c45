// Package calc is the one calculator of invoices. The screen, the document, the public page and the ledger of payments show
// what it says, so that no two of them differ by a cent. It counts in minor units and exact decimals, never in floats.
//
// Each line is rounded to minor units, so the lines add up to the subtotal. Taxes are rounded by the organisation's rule:
// once for each line, or once for each tax of the document. A discount of the document is spread over the lines' sets of
// taxes by their share of the subtotal, and the minor units that are left go to the largest remainders. Half a unit is
// rounded away from zero. The order of the lines changes no sum.
package calc

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"pixeltrack.io/platform/pkg/money"
)

// MaxAmount is the largest amount that an invoice may come to in any place, in minor units: the largest whole number that
// JSON carries everywhere.
const MaxAmount = 9_007_199_254_740_991

// MaxLines is how many lines an invoice may have, and MaxTaxes how many taxes a line.
const (
	MaxLines = 500
	MaxTaxes = 5
)

// Rounding is where taxes are rounded.
type Rounding string

// The rules of rounding.
const (
	PerLine     Rounding = "line"
	PerDocument Rounding = "document"
)

// Discount takes a share or an amount off, or nothing: never both.
type Discount struct {
	Percent Decimal // 0 to 100
	Amount  int64   // minor units
}

// Tax is one tax of a line: VAT at 19 percent.
type Tax struct {
	Name string
	Rate Decimal // percent, 0 to 100
}

// Line is one line: so many of something at a price, less a discount.
type Line struct {
	Quantity  Decimal // more than 0
	UnitPrice int64   // minor units, 0 or more
	Discount  Discount
	Taxes     []Tax // each name once
}

// Invoice is what is to be counted.
type Invoice struct {
	Currency  string
	Rounding  Rounding
	Inclusive bool // prices contain the taxes
	Lines     []Line
	Discount  Discount // of the document
	Paid      int64    // what was paid so far
}

// LineSum is what a line comes to: Gross less Discount is Amount.
type LineSum struct {
	Gross    int64
	Discount int64
	Amount   int64
}

// TaxSum is what a tax comes to over the document.
type TaxSum struct {
	Tax
	Base   int64 // what it is taken of, without taxes
	Amount int64
}

// Sum is what an invoice comes to. Subtotal less Discount is Net without taxes, or with them when prices contain them; Net
// and Tax are Total; Total less what was paid is Due.
type Sum struct {
	Lines    []LineSum
	Subtotal int64
	Discount int64
	Net      int64
	Taxes    []TaxSum // by name and rate
	Tax      int64
	Total    int64
	Due      int64
}

// What an invoice is refused for. A *LineError tells which line.
var (
	ErrCurrency = errors.New("no currency of ISO 4217")
	ErrRounding = errors.New("no rule of rounding")
	ErrLines    = errors.New("more than 500 lines")
	ErrQuantity = errors.New("a quantity is more than 0 and at most 999999999.999999")
	ErrPrice    = errors.New("a price is from 0 to 9007199254740991")
	ErrDiscount = errors.New("a discount is a share up to 100 percent, or an amount up to what it is taken off")
	ErrTaxes    = errors.New("a line has at most 5 taxes, each by a name of its own and at most 100 percent")
	ErrTooLarge = errors.New("the amounts are too large")
	ErrPaid     = errors.New("more was paid than the total")
)

// LineError is an error of one line.
type LineError struct {
	Line  int // from 0
	Cause error
}

// Error names the line and what is wrong with it.
func (e *LineError) Error() string { return fmt.Sprintf("calc: line %d: %v", e.Line+1, e.Cause) }

// Unwrap gives what is wrong.
func (e *LineError) Unwrap() error { return e.Cause }

// Total counts an invoice.
func Total(in Invoice) (Sum, error) {
	if err := in.check(); err != nil {
		return Sum{}, err
	}
	s := Sum{Lines: make([]LineSum, len(in.Lines)), Taxes: []TaxSum{}}
	subtotal := new(big.Int)
	for i, l := range in.Lines {
		sum, err := l.sum()
		if err != nil {
			return Sum{}, &LineError{i, err}
		}
		s.Lines[i] = sum
		subtotal.Add(subtotal, big.NewInt(sum.Amount))
	}
	if !small(subtotal) {
		return Sum{}, ErrTooLarge
	}
	s.Subtotal = subtotal.Int64()
	var err error
	if s.Discount, err = in.Discount.of(s.Subtotal); err != nil {
		return Sum{}, err
	}
	groups := in.groups(s.Lines)
	spread(groups, s.Discount)
	taxes := newLedger()
	for _, g := range groups {
		taxes.add(in, g)
	}
	if err := taxes.close(in, &s); err != nil {
		return Sum{}, err
	}
	if in.Paid < 0 || in.Paid > s.Total {
		return Sum{}, ErrPaid
	}
	s.Due = s.Total - in.Paid
	return s, nil
}

func (in Invoice) check() error {
	switch {
	case !money.Valid(in.Currency):
		return ErrCurrency
	case in.Rounding != PerLine && in.Rounding != PerDocument:
		return ErrRounding
	case len(in.Lines) > MaxLines:
		return ErrLines
	}
	for i, l := range in.Lines {
		if err := l.check(); err != nil {
			return &LineError{i, err}
		}
	}
	return in.Discount.check()
}

func (l Line) check() error {
	switch {
	case l.Quantity <= 0 || l.Quantity > MaxDecimal:
		return ErrQuantity
	case l.UnitPrice < 0 || l.UnitPrice > MaxAmount:
		return ErrPrice
	case len(l.Taxes) > MaxTaxes:
		return ErrTaxes
	}
	for i, t := range l.Taxes {
		if t.Name == "" || t.Rate < 0 || t.Rate > Hundred || slices.ContainsFunc(l.Taxes[:i], func(o Tax) bool { return o.Name == t.Name }) {
			return ErrTaxes
		}
	}
	return l.Discount.check()
}

func (d Discount) check() error {
	if d.Percent < 0 || d.Percent > Hundred || d.Amount < 0 || d.Amount > MaxAmount || d.Percent != 0 && d.Amount != 0 {
		return ErrDiscount
	}
	return nil
}

// of is what a discount takes off an amount.
func (d Discount) of(amount int64) (int64, error) {
	if d.Percent != 0 {
		return round(product(amount, int64(d.Percent)), int64(Hundred)), nil
	}
	if d.Amount > amount {
		return 0, ErrDiscount
	}
	return d.Amount, nil
}

func (l Line) sum() (LineSum, error) {
	exact := product(l.UnitPrice, int64(l.Quantity)) // in millionths
	whole := divide(exact, big.NewInt(int64(One)))
	if !small(whole) {
		return LineSum{}, ErrTooLarge
	}
	s := LineSum{Gross: whole.Int64()}
	if p := l.Discount.Percent; p != 0 {
		left := exact.Mul(exact, big.NewInt(int64(Hundred-p)))
		s.Amount = divide(left, new(big.Int).Mul(big.NewInt(int64(One)), big.NewInt(int64(Hundred)))).Int64()
		s.Discount = s.Gross - s.Amount
		return s, nil
	}
	var err error
	s.Discount, err = l.Discount.of(s.Gross)
	s.Amount = s.Gross - s.Discount
	return s, err
}

// group is the lines that have the same taxes.
type group struct {
	key   string
	taxes []Tax // by name
	lines []int64
	sum   int64 // of the lines
	off   int64 // its part of the document's discount
}

func taxKey(t Tax) string { return t.Name + "\n" + pad(int64(t.Rate), 15) }

// groups sorts the lines by their taxes, in an order that does not depend on theirs.
func (in Invoice) groups(sums []LineSum) []*group {
	byKey := map[string]*group{}
	var all []*group
	for i, l := range in.Lines {
		taxes := slices.Clone(l.Taxes)
		slices.SortFunc(taxes, func(a, b Tax) int { return cmp.Compare(taxKey(a), taxKey(b)) })
		var key strings.Builder
		for _, t := range taxes {
			key.WriteString(taxKey(t) + "\n")
		}
		g := byKey[key.String()]
		if g == nil {
			g = &group{key: key.String(), taxes: taxes}
			byKey[g.key] = g
			all = append(all, g)
		}
		g.lines = append(g.lines, sums[i].Amount)
		g.sum += sums[i].Amount
	}
	slices.SortFunc(all, func(a, b *group) int { return cmp.Compare(a.key, b.key) })
	for _, g := range all {
		slices.SortFunc(g.lines, func(a, b int64) int { return cmp.Compare(b, a) })
	}
	return all
}

// spread gives each group its part of the document's discount.
func spread(groups []*group, discount int64) {
	weights := make([]int64, len(groups))
	for i, g := range groups {
		weights[i] = g.sum
	}
	for i, part := range Split(discount, weights) {
		groups[i].off = part
	}
}

// Split divides an amount by weights without losing a unit: each part is its exact share rounded down, and what is left
// goes, unit by unit, to the largest remainders, the first of equals first. Nothing is weighed as more than 0 without a
// weight; when all are 0 so are the parts. Amount and weights are 0 or more.
func Split(amount int64, weights []int64) []int64 {
	total := new(big.Int)
	for _, w := range weights {
		total.Add(total, big.NewInt(w))
	}
	parts := make([]int64, len(weights))
	if total.Sign() == 0 {
		return parts
	}
	rest := make([]*big.Int, len(weights))
	left := amount
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(product(amount, w), total, new(big.Int))
		parts[i], rest[i] = q.Int64(), r
		left -= parts[i]
	}
	order := make([]int, len(weights))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return rest[b].Cmp(rest[a]) })
	for _, i := range order[:left] {
		parts[i]++
	}
	return parts
}

// ledger collects the taxes of the groups.
type ledger struct {
	sums map[string]*collected
}

type collected struct {
	tax    Tax
	base   *big.Int
	amount *big.Int
}

func newLedger() *ledger { return &ledger{sums: map[string]*collected{}} }

func (l *ledger) of(t Tax) *collected {
	c := l.sums[taxKey(t)]
	if c == nil {
		c = &collected{tax: t, base: new(big.Int), amount: new(big.Int)}
		l.sums[taxKey(t)] = c
	}
	return c
}

// add counts the taxes of a group: once for each of its lines, or once for the group. Without taxes in the prices a
// document's tax is rounded when all groups are in.
func (l *ledger) add(in Invoice, g *group) {
	amounts := []int64{g.sum - g.off}
	if in.Rounding == PerLine {
		off := Split(g.off, g.lines)
		amounts = make([]int64, len(g.lines))
		for i, a := range g.lines {
			amounts[i] = a - off[i]
		}
	}
	for _, a := range amounts {
		base, parts := a, make([]int64, len(g.taxes))
		if in.Inclusive {
			base, parts = contained(a, g.taxes)
		}
		for i, t := range g.taxes {
			c := l.of(t)
			c.base.Add(c.base, big.NewInt(base))
			switch {
			case in.Inclusive:
				c.amount.Add(c.amount, big.NewInt(parts[i]))
			case in.Rounding == PerLine:
				c.amount.Add(c.amount, big.NewInt(round(product(a, int64(t.Rate)), int64(Hundred))))
			}
		}
	}
}

// contained splits an amount that contains taxes into what is without them and each of them.
func contained(amount int64, taxes []Tax) (int64, []int64) {
	weights := make([]int64, len(taxes))
	var rate int64
	for i, t := range taxes {
		weights[i] = int64(t.Rate)
		rate += int64(t.Rate)
	}
	all := round(product(amount, rate), int64(Hundred)+rate)
	return amount - all, Split(all, weights)
}

// close sums the taxes up.
func (l *ledger) close(in Invoice, s *Sum) error {
	tax := new(big.Int)
	for _, c := range l.sums {
		if !in.Inclusive && in.Rounding == PerDocument {
			c.amount = divide(new(big.Int).Mul(c.base, big.NewInt(int64(c.tax.Rate))), big.NewInt(int64(Hundred)))
		}
		tax.Add(tax, c.amount)
		s.Taxes = append(s.Taxes, TaxSum{Tax: c.tax, Base: c.base.Int64(), Amount: c.amount.Int64()})
	}
	slices.SortFunc(s.Taxes, func(a, b TaxSum) int { return cmp.Compare(taxKey(a.Tax), taxKey(b.Tax)) })
	total := new(big.Int).Add(big.NewInt(s.Subtotal-s.Discount), tax)
	if in.Inclusive {
		total.SetInt64(s.Subtotal - s.Discount)
	}
	if !small(total) {
		return ErrTooLarge
	}
	s.Total, s.Tax = total.Int64(), tax.Int64()
	s.Net = s.Total - s.Tax
	return nil
}

func product(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }

// round divides by a number and rounds half away from zero.
func round(a *big.Int, by int64) int64 { return divide(a, big.NewInt(by)).Int64() }

func divide(a, by *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, by, new(big.Int))
	if r.Lsh(r.Abs(r), 1).Cmp(by) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign())))
	}
	return q
}

func small(a *big.Int) bool { return a.CmpAbs(big.NewInt(MaxAmount)) <= 0 }
