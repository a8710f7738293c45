package calc

import (
	"errors"
	"strings"
)

// Decimal is an exact decimal of at most six places, in millionths: 1500000 is 1.5.
type Decimal int64

// One is the decimal 1, and Hundred the decimal 100.
const (
	One     Decimal = 1_000_000
	Hundred         = 100 * One
)

// MaxDecimal is the largest decimal that is read: 999,999,999.999999.
const MaxDecimal Decimal = 999_999_999_999_999

// ErrDecimal says that a text is no decimal from 0 to MaxDecimal with at most six places.
var ErrDecimal = errors.New("calc: not a decimal")

// ParseDecimal reads a decimal as people write it: 1, 1.5, 0.333333. It takes no sign, no exponent and no spaces.
func ParseDecimal(text string) (Decimal, error) {
	whole, part, dotted := strings.Cut(text, ".")
	if !digits(whole, 9) || dotted && !digits(part, 6) {
		return 0, ErrDecimal
	}
	var d Decimal
	for _, c := range whole + part + strings.Repeat("0", 6-len(part)) {
		d = 10*d + Decimal(c-'0')
	}
	return d, nil
}

func digits(text string, most int) bool {
	if text == "" || len(text) > most {
		return false
	}
	return strings.Trim(text, "0123456789") == ""
}

// String writes a decimal without zeros that say nothing.
func (d Decimal) String() string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	part := strings.TrimRight(pad(int64(d%One), 6), "0")
	if part != "" {
		part = "." + part
	}
	return sign + pad(int64(d/One), 1) + part
}

// pad writes a number of at least so many digits.
func pad(n int64, width int) string {
	text := ""
	for n > 0 || len(text) < width {
		text = string(rune('0'+n%10)) + text
		n /= 10
	}
	return text
}

// MarshalText writes the decimal as String does.
func (d Decimal) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the decimal as ParseDecimal does.
func (d *Decimal) UnmarshalText(text []byte) (err error) {
	*d, err = ParseDecimal(string(text))
	return err
}
