package calc_test

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"pixeltrack.io/platform/infra/size"
	"pixeltrack.io/platform/pkg/invoicing/calc"
)

func dec(text string) calc.Decimal {
	d, err := calc.ParseDecimal(text)
	if err != nil {
		panic(err)
	}
	return d
}

func vat(rate string) []calc.Tax { return []calc.Tax{{Name: "VAT", Rate: dec(rate)}} }

func TestTotal(t *testing.T) {
	line := func(quantity string, price int64, taxes ...calc.Tax) calc.Line {
		return calc.Line{Quantity: dec(quantity), UnitPrice: price, Taxes: taxes}
	}
	tax := func(name, rate string) calc.Tax { return calc.Tax{Name: name, Rate: dec(rate)} }
	tests := []struct {
		name                                     string
		in                                       calc.Invoice
		subtotal, discount, net, taxes, total, n int64
	}{
		{"nothing", calc.Invoice{}, 0, 0, 0, 0, 0, 0},
		{"an hour and a half", calc.Invoice{Lines: []calc.Line{line("1.5", 9000, vat("19")...)}}, 13500, 0, 13500, 2565, 16065, 1},
		{"half a cent goes up", calc.Invoice{Lines: []calc.Line{line("0.5", 1)}}, 1, 0, 1, 0, 1, 0},
		{"three thirds of an hour are not one", calc.Invoice{Lines: []calc.Line{line("0.333333", 10000), line("0.333333", 10000), line("0.333333", 10000)}}, 9999, 0, 9999, 0, 9999, 0},
		{"tax of each line", calc.Invoice{Rounding: calc.PerLine, Lines: []calc.Line{line("1", 10, vat("5")...), line("1", 10, vat("5")...)}}, 20, 0, 20, 2, 22, 1},
		{"tax of the document", calc.Invoice{Lines: []calc.Line{line("1", 10, vat("5")...), line("1", 10, vat("5")...)}}, 20, 0, 20, 1, 21, 1},
		{"tax in the price", calc.Invoice{Inclusive: true, Lines: []calc.Line{line("1", 11900, vat("19")...)}}, 11900, 0, 10000, 1900, 11900, 1},
		{"two taxes in the price", calc.Invoice{Inclusive: true, Lines: []calc.Line{line("1", 100, tax("GST", "5"), tax("QST", "9.975"))}}, 100, 0, 87, 13, 100, 2},
		{"two taxes on the price", calc.Invoice{Lines: []calc.Line{line("1", 10000, tax("GST", "5"), tax("QST", "9.975"))}}, 10000, 0, 10000, 1498, 11498, 2},
		{"one name at two rates", calc.Invoice{Lines: []calc.Line{line("1", 1000, vat("19")...), line("1", 1000, vat("7")...)}}, 2000, 0, 2000, 260, 2260, 2},
		{"exempt beside taxed", calc.Invoice{Lines: []calc.Line{line("1", 1000, vat("19")...), line("1", 1000)}}, 2000, 0, 2000, 190, 2190, 1},
		{"a share of the document", calc.Invoice{Discount: calc.Discount{Percent: dec("10")}, Lines: []calc.Line{line("1", 1000, vat("19")...), line("1", 1005)}}, 2005, 201, 1804, 171, 1975, 1},
		{"an amount of the document", calc.Invoice{Discount: calc.Discount{Amount: 1}, Lines: []calc.Line{line("1", 100, vat("19")...), line("1", 100, vat("7")...)}}, 200, 1, 199, 26, 225, 2},
		{"everything off", calc.Invoice{Discount: calc.Discount{Percent: dec("100")}, Lines: []calc.Line{line("1", 1000, vat("19")...)}}, 1000, 1000, 0, 0, 0, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.in.Currency = "EUR"
			if tt.in.Rounding == "" {
				tt.in.Rounding = calc.PerDocument
			}
			s, err := calc.Total(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if s.Subtotal != tt.subtotal || s.Discount != tt.discount || s.Net != tt.net || s.Tax != tt.taxes || s.Total != tt.total || int64(len(s.Taxes)) != tt.n || s.Due != s.Total {
				t.Errorf("Total = %+v; want subtotal %d, discount %d, net %d, taxes %d in %d, total %d", s, tt.subtotal, tt.discount, tt.net, tt.taxes, tt.n, tt.total)
			}
		})
	}
}

func TestTotalOfALine(t *testing.T) {
	s, err := calc.Total(calc.Invoice{Currency: "JPY", Rounding: calc.PerLine, Paid: 40, Lines: []calc.Line{
		{Quantity: dec("3"), UnitPrice: 33, Discount: calc.Discount{Percent: dec("12.5")}}, {Quantity: dec("2"), UnitPrice: 50, Discount: calc.Discount{Amount: 99}}}})
	want := []calc.LineSum{{Gross: 99, Discount: 12, Amount: 87}, {Gross: 100, Discount: 99, Amount: 1}}
	if err != nil || !reflect.DeepEqual(s.Lines, want) || s.Due != 48 {
		t.Errorf("Total = %+v, %v; want lines %+v and 48 due", s, err, want)
	}
}

func TestTotalRefuses(t *testing.T) {
	ok := calc.Line{Quantity: calc.One, UnitPrice: 100, Taxes: vat("19")}
	with := func(change func(*calc.Line)) []calc.Line {
		l := ok
		change(&l)
		return []calc.Line{l}
	}
	tests := []struct {
		name string
		in   calc.Invoice
		want error
	}{
		{"no currency", calc.Invoice{Currency: "XXX"}, calc.ErrCurrency},
		{"no rule", calc.Invoice{Rounding: "up"}, calc.ErrRounding},
		{"too many lines", calc.Invoice{Lines: make([]calc.Line, calc.MaxLines+1)}, calc.ErrLines},
		{"nothing of it", calc.Invoice{Lines: with(func(l *calc.Line) { l.Quantity = 0 })}, calc.ErrQuantity},
		{"less than nothing of it", calc.Invoice{Lines: with(func(l *calc.Line) { l.Quantity = -1 })}, calc.ErrQuantity},
		{"far too much of it", calc.Invoice{Lines: with(func(l *calc.Line) { l.Quantity = 1 << 62 })}, calc.ErrQuantity},
		{"a negative price", calc.Invoice{Lines: with(func(l *calc.Line) { l.UnitPrice = -1 })}, calc.ErrPrice},
		{"a huge price", calc.Invoice{Lines: with(func(l *calc.Line) { l.UnitPrice = calc.MaxAmount + 1 })}, calc.ErrPrice},
		{"a huge line", calc.Invoice{Lines: with(func(l *calc.Line) { l.Quantity, l.UnitPrice = calc.MaxDecimal, calc.MaxAmount })}, calc.ErrTooLarge},
		{"a huge subtotal", calc.Invoice{Lines: []calc.Line{{Quantity: calc.One, UnitPrice: calc.MaxAmount}, ok}}, calc.ErrTooLarge},
		{"a huge total", calc.Invoice{Lines: with(func(l *calc.Line) { l.UnitPrice = calc.MaxAmount })}, calc.ErrTooLarge},
		{"more off than there is", calc.Invoice{Lines: with(func(l *calc.Line) { l.Discount.Amount = 101 })}, calc.ErrDiscount},
		{"more than everything off", calc.Invoice{Lines: with(func(l *calc.Line) { l.Discount.Percent = calc.Hundred + 1 })}, calc.ErrDiscount},
		{"two discounts", calc.Invoice{Lines: with(func(l *calc.Line) { l.Discount = calc.Discount{Percent: 1, Amount: 1} })}, calc.ErrDiscount},
		{"less than nothing off", calc.Invoice{Discount: calc.Discount{Amount: -1}}, calc.ErrDiscount},
		{"more off the document than there is", calc.Invoice{Discount: calc.Discount{Amount: 101}, Lines: []calc.Line{ok}}, calc.ErrDiscount},
		{"a tax without a name", calc.Invoice{Lines: with(func(l *calc.Line) { l.Taxes = []calc.Tax{{Rate: 1}} })}, calc.ErrTaxes},
		{"a tax twice", calc.Invoice{Lines: with(func(l *calc.Line) { l.Taxes = append(vat("7"), vat("19")...) })}, calc.ErrTaxes},
		{"a huge tax", calc.Invoice{Lines: with(func(l *calc.Line) { l.Taxes = []calc.Tax{{Name: "VAT", Rate: calc.Hundred + 1}} })}, calc.ErrTaxes},
		{"six taxes", calc.Invoice{Lines: with(func(l *calc.Line) { l.Taxes = make([]calc.Tax, 6) })}, calc.ErrTaxes},
		{"more paid than due", calc.Invoice{Lines: []calc.Line{ok}, Paid: 120}, calc.ErrPaid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.in.Currency == "" {
				tt.in.Currency = "EUR"
			}
			if tt.in.Rounding == "" {
				tt.in.Rounding = calc.PerDocument
			}
			if s, err := calc.Total(tt.in); !errors.Is(err, tt.want) {
				t.Errorf("Total = %+v, %v; want %v", s, err, tt.want)
			}
		})
	}
}

func TestParseDecimal(t *testing.T) {
	for text, want := range map[string]calc.Decimal{"0": 0, "1": calc.One, "1.5": 1_500_000, "0.000001": 1, "007.10": 7_100_000, "999999999.999999": calc.MaxDecimal} {
		if got, err := calc.ParseDecimal(text); err != nil || got != want {
			t.Errorf("ParseDecimal(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1.0000001", "1000000000", "0x1", "١", "NaN", "1.5.5"} {
		if got, err := calc.ParseDecimal(text); !errors.Is(err, calc.ErrDecimal) {
			t.Errorf("ParseDecimal(%q) = %d, %v; want ErrDecimal", text, got, err)
		}
	}
}

func TestADecimalIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := calc.Decimal(rapid.Int64Range(0, int64(calc.MaxDecimal)).Draw(t, "decimal"))
		if got, err := calc.ParseDecimal(d.String()); err != nil || got != d {
			t.Fatalf("ParseDecimal(%q) = %d, %v; want %d", d, got, err, d)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	f.Add("1.5")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := calc.ParseDecimal(text)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(text)
		if !ok || want.Cmp(big.NewRat(int64(d), int64(calc.One))) != 0 {
			t.Errorf("ParseDecimal(%q) = %v", text, d)
		}
	})
}

// drawn is an invoice of few distinct taxes, so that they meet.
func drawn(t *rapid.T) calc.Invoice {
	taxes := []calc.Tax{{Name: "VAT", Rate: dec("19")}, {Name: "VAT", Rate: dec("7")}, {Name: "City", Rate: dec("0.333333")}, {Name: "QST", Rate: dec("9.975")}, {Name: "None", Rate: 0}}
	discount := func(most int64) calc.Discount {
		switch rapid.IntRange(0, 3).Draw(t, "discounted") {
		case 0:
			return calc.Discount{Percent: calc.Decimal(rapid.Int64Range(0, int64(calc.Hundred)).Draw(t, "share"))}
		case 1:
			return calc.Discount{Amount: rapid.Int64Range(0, most).Draw(t, "off")}
		}
		return calc.Discount{}
	}
	in := calc.Invoice{Currency: rapid.SampledFrom([]string{"EUR", "JPY", "KWD"}).Draw(t, "currency"), Inclusive: rapid.Bool().Draw(t, "inclusive"),
		Rounding: rapid.SampledFrom([]calc.Rounding{calc.PerLine, calc.PerDocument}).Draw(t, "rounding")}
	for range rapid.IntRange(0, 12).Draw(t, "lines") {
		l := calc.Line{Quantity: calc.Decimal(rapid.Int64Range(1, 50*int64(calc.One)).Draw(t, "quantity")), UnitPrice: rapid.Int64Range(0, 300_000).Draw(t, "price")}
		for _, x := range taxes {
			if rapid.Bool().Draw(t, x.Name) && (len(l.Taxes) == 0 || l.Taxes[len(l.Taxes)-1].Name != x.Name) {
				l.Taxes = append(l.Taxes, x)
			}
		}
		l.Discount = discount(new(big.Int).Div(new(big.Int).Mul(big.NewInt(l.UnitPrice), big.NewInt(int64(l.Quantity))), big.NewInt(int64(calc.One))).Int64())
		in.Lines = append(in.Lines, l)
	}
	if s, err := calc.Total(in); err == nil {
		in.Discount = discount(s.Subtotal)
	}
	return in
}

// half rounds a rational as people do: half away from zero.
func half(r *big.Rat) int64 {
	two := new(big.Rat).Add(new(big.Rat).Abs(r), big.NewRat(1, 2))
	n := new(big.Int).Div(two.Num(), two.Denom()).Int64()
	if r.Sign() < 0 {
		return -n
	}
	return n
}

func share(d calc.Decimal) *big.Rat { return big.NewRat(int64(d), int64(calc.Hundred)) }

func times(a int64, r *big.Rat) *big.Rat { return new(big.Rat).Mul(big.NewRat(a, 1), r) }

// against compares a sum with what rationals say of the same invoice.
func against(t *rapid.T, in calc.Invoice, s calc.Sum) {
	var subtotal int64
	for i, l := range in.Lines {
		exact := times(l.UnitPrice, big.NewRat(int64(l.Quantity), int64(calc.One)))
		gross := half(exact)
		amount := gross - l.Discount.Amount
		if l.Discount.Percent != 0 {
			amount = half(new(big.Rat).Sub(exact, new(big.Rat).Mul(exact, share(l.Discount.Percent))))
		}
		if s.Lines[i] != (calc.LineSum{Gross: gross, Discount: gross - amount, Amount: amount}) || amount < 0 || amount > gross {
			t.Fatalf("line %d = %+v; want %d less to %d", i, s.Lines[i], gross, amount)
		}
		subtotal += amount
	}
	discount := in.Discount.Amount
	if in.Discount.Percent != 0 {
		discount = half(times(subtotal, share(in.Discount.Percent)))
	}
	if s.Subtotal != subtotal || s.Discount != discount {
		t.Fatalf("subtotal %d less %d; want %d less %d", s.Subtotal, s.Discount, subtotal, discount)
	}
	var taxes int64
	for _, x := range s.Taxes {
		taxes += x.Amount
	}
	left := subtotal - discount
	if taxes != s.Tax || s.Net+s.Tax != s.Total || in.Inclusive && s.Total != left || !in.Inclusive && s.Net != left || s.Due != s.Total {
		t.Fatalf("%+v does not add up", s)
	}
	exactTaxes(t, in, s, subtotal, discount)
}

// exactTaxes compares the taxes with their exact values: what rounding and the spreading of a discount may move is less
// than a unit for each thing that is rounded.
func exactTaxes(t *rapid.T, in calc.Invoice, s calc.Sum, subtotal, discount int64) {
	keep := big.NewRat(1, 1) // what the document's discount leaves of a unit
	if subtotal > 0 {
		keep.Sub(keep, big.NewRat(discount, subtotal))
	}
	exact := map[calc.Tax]*big.Rat{}
	for i, l := range in.Lines {
		rate := big.NewRat(1, 1)
		for _, x := range l.Taxes {
			rate.Add(rate, share(x.Rate))
		}
		base := new(big.Rat).Mul(big.NewRat(s.Lines[i].Amount, 1), keep)
		if in.Inclusive {
			base.Quo(base, rate)
		}
		for _, x := range l.Taxes {
			if exact[x] == nil {
				exact[x] = new(big.Rat)
			}
			exact[x].Add(exact[x], new(big.Rat).Mul(base, share(x.Rate)))
		}
	}
	if len(exact) != len(s.Taxes) {
		t.Fatalf("%d taxes; want %d", len(s.Taxes), len(exact))
	}
	for _, x := range s.Taxes {
		off := new(big.Rat).Sub(exact[x.Tax], big.NewRat(x.Amount, 1))
		if off.Abs(off).Cmp(big.NewRat(int64(3*len(in.Lines)), 2)) > 0 {
			t.Fatalf("%s at %s is %d; exactly %s", x.Name, x.Rate, x.Amount, exact[x.Tax].FloatString(3))
		}
		if !in.Inclusive && in.Rounding == calc.PerDocument && x.Amount != half(times(x.Base, share(x.Rate))) {
			t.Fatalf("%s at %s of %d is %d", x.Name, x.Rate, x.Base, x.Amount)
		}
		if in.Rounding == calc.PerDocument && discount == 0 && !in.Inclusive && off.Cmp(big.NewRat(1, 2)) > 0 {
			t.Fatalf("%s at %s is %d; exactly %s", x.Name, x.Rate, x.Amount, exact[x.Tax].FloatString(3))
		}
	}
}

// TestTheCalculatorAgainstRationals counts random invoices a second time with rationals; 10,000 at full size.
func TestTheCalculatorAgainstRationals(t *testing.T) {
	for range size.Of(5, 100) { // rapid checks a hundred at a time
		rapid.Check(t, func(t *rapid.T) {
			in := drawn(t)
			s, err := calc.Total(in)
			if err != nil {
				t.Fatal(err)
			}
			against(t, in, s)
		})
	}
}

func TestTheOrderOfLinesChangesNoSum(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawn(t)
		before, err := calc.Total(in)
		if err != nil {
			t.Fatal(err)
		}
		seed := rapid.Uint64().Draw(t, "seed")
		r := rand.New(rand.NewPCG(seed, seed))
		r.Shuffle(len(in.Lines), func(i, j int) { in.Lines[i], in.Lines[j] = in.Lines[j], in.Lines[i] })
		for i := range in.Lines {
			r.Shuffle(len(in.Lines[i].Taxes), func(a, b int) {
				in.Lines[i].Taxes[a], in.Lines[i].Taxes[b] = in.Lines[i].Taxes[b], in.Lines[i].Taxes[a]
			})
		}
		after, err := calc.Total(in)
		if err != nil {
			t.Fatal(err)
		}
		before.Lines, after.Lines = nil, nil
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%+v; in another order %+v", before, after)
		}
	})
}

func TestSplitLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, calc.MaxAmount/1000), 1, 30).Draw(t, "weights")
		var total int64
		for _, w := range weights {
			total += w
		}
		amount := rapid.Int64Range(0, calc.MaxAmount).Draw(t, "amount")
		var sum int64
		for i, p := range calc.Split(amount, weights) {
			sum += p
			if total == 0 {
				continue
			}
			off := new(big.Rat).Sub(big.NewRat(p, 1), times(amount, big.NewRat(weights[i], total)))
			if off.Abs(off).Cmp(big.NewRat(1, 1)) >= 0 {
				t.Fatalf("part %d is %d", i, p)
			}
		}
		if total > 0 && sum != amount {
			t.Fatalf("the parts of %d are %d", amount, sum)
		}
	})
}

func TestHugeInvoicesAreRefusedNotOverflown(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := calc.Invoice{Currency: "EUR", Rounding: rapid.SampledFrom([]calc.Rounding{calc.PerLine, calc.PerDocument}).Draw(t, "rounding"), Inclusive: rapid.Bool().Draw(t, "inclusive")}
		for range rapid.IntRange(1, 5).Draw(t, "lines") {
			in.Lines = append(in.Lines, calc.Line{Quantity: calc.Decimal(rapid.Int64().Draw(t, "quantity")), UnitPrice: rapid.Int64().Draw(t, "price"),
				Taxes: []calc.Tax{{Name: "VAT", Rate: calc.Decimal(rapid.Int64().Draw(t, "rate"))}}})
		}
		s, err := calc.Total(in)
		if err == nil && (s.Total < 0 || s.Total > calc.MaxAmount || s.Net < 0 || s.Tax < 0) {
			t.Fatalf("Total = %+v", s)
		}
	})
}
