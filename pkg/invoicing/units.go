package invoicing

import (
	"strings"

	"pixeltrack.io/platform/pkg/money"
)

// Currencies in which Stripe counts otherwise than ISO 4217 (docs.stripe.com/currencies): those whose whole units it takes,
// though ISO has minor ones or none, those that it wants two digits of that are always zero, and those whose third digit
// must be zero.
const (
	wholeUnits = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
	twoZeros   = "ISK UGX"
	tens       = "BHD JOD KWD OMR TND"
)

// MostUnits is the largest amount of one payment in Stripe's minor units.
const MostUnits = 99_999_999

// scale gives by how much an amount of ours is multiplied and divided to be Stripe's, and of what Stripe's is a multiple.
func scale(currency string) (times, by, step int64) {
	digits, _ := money.Digits(currency)
	switch {
	case strings.Contains(twoZeros, currency):
		return 100, 1, 100
	case strings.Contains(wholeUnits, currency):
		by = 1
		for range digits {
			by *= 10
		}
		return 1, by, 1
	case strings.Contains(tens, currency):
		return 1, 1, 10
	}
	return 1, 1, 1
}

// ToStripe gives an amount in Stripe's minor units, false for what Stripe cannot take: 1.234 dinars, for example, whose last
// digit must be zero, or more than eight digits.
func ToStripe(m money.Money) (int64, bool) {
	times, by, step := scale(m.Currency)
	if m.Amount < 0 || m.Amount > MostUnits*by || m.Amount%by != 0 {
		return 0, false
	}
	units := m.Amount * times / by
	return units, units%step == 0 && units <= MostUnits
}

// FromStripe gives an amount of Stripe's in minor units of ISO 4217.
func FromStripe(units int64, currency string) int64 {
	times, by, _ := scale(currency)
	return units * by / times
}

// Least is the smallest amount of one payment that Stripe takes in a currency, in the minor units of ISO 4217. For currencies
// without a limit of their own it is the smallest that Stripe names; what an account settles in may ask for more.
func Least(currency string) int64 {
	switch currency {
	case "GBP":
		return 30
	case "AED", "MYR", "PLN", "RON":
		return 200
	case "BGN":
		return 100
	case "CZK":
		return 1500
	case "DKK":
		return 250
	case "HKD":
		return 400
	case "HUF":
		return 17500
	case "MXN", "THB":
		return 1000
	case "NOK", "SEK":
		return 300
	case "JPY":
		return 50
	}
	times, by, step := scale(currency)
	least := 50 * by / times
	if step == 10 {
		return 500
	}
	return max(1, least)
}
