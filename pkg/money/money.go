// Package money is amounts in minor units with their ISO 4217 code.
package money

import (
	"strconv"
	"strings"
)

// Money is an amount in the minor units of a currency: 12345 EUR is 123.45 euros, 12345 JPY are 12345 yen.
type Money struct {
	Amount   int64  `json:"amount" dynamo:"amount" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"In minor units of the currency." example:"12345"`
	Currency string `json:"currency" dynamo:"currency" pattern:"^[A-Z]{3}$" doc:"The ISO 4217 code." example:"EUR"`
}

// Codes of ISO 4217 by how many digits their minor unit has. Funds, metals and test codes are no currencies here.
const (
	noDigits    = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
	threeDigits = "BHD IQD JOD KWD LYD OMR TND"
	twoDigits   = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP " +
		"CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD " +
		"KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK " +
		"NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS " +
		"TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG"
)

// Digits is how many digits the minor unit of a currency has, false for what is no currency.
func Digits(currency string) (int, bool) {
	if len(currency) != 3 || strings.Contains(currency, " ") {
		return 0, false
	}
	switch {
	case strings.Contains(twoDigits, currency):
		return 2, true
	case strings.Contains(noDigits, currency):
		return 0, true
	case strings.Contains(threeDigits, currency):
		return 3, true
	}
	return 0, false
}

// Valid says whether a code is that of a currency.
func Valid(currency string) bool {
	_, ok := Digits(currency)
	return ok
}

// String writes an amount with the digits of its currency: 123.45 EUR.
func (m Money) String() string {
	digits, _ := Digits(m.Currency)
	text, sign := strconv.FormatInt(m.Amount, 10), ""
	if rest, negative := strings.CutPrefix(text, "-"); negative {
		text, sign = rest, "-"
	}
	for len(text) <= digits {
		text = "0" + text
	}
	if digits > 0 {
		text = text[:len(text)-digits] + "." + text[len(text)-digits:]
	}
	return sign + text + " " + m.Currency
}
