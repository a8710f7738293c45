package money_test

import (
	"encoding/json"
	"testing"

	"pixeltrack.io/platform/pkg/money"
)

func TestDigits(t *testing.T) {
	tests := []struct {
		currency string
		digits   int
		ok       bool
	}{
		{"EUR", 2, true}, {"USD", 2, true}, {"ZWG", 2, true}, {"AED", 2, true}, {"JPY", 0, true}, {"XPF", 0, true}, {"BHD", 3, true}, {"TND", 3, true},
		{"eur", 0, false}, {"", 0, false}, {"R U", 0, false}, {"UR ", 0, false}, {"XXX", 0, false}, {"XAU", 0, false}, {"EURO", 0, false}, {"DEM", 0, false},
	}
	for _, tt := range tests {
		if digits, ok := money.Digits(tt.currency); digits != tt.digits || ok != tt.ok {
			t.Errorf("Digits(%q) = %d, %v; want %d, %v", tt.currency, digits, ok, tt.digits, tt.ok)
		}
	}
}

func TestMoneyIsWritten(t *testing.T) {
	tests := []struct {
		m    money.Money
		want string
	}{
		{money.Money{Amount: 12345, Currency: "EUR"}, "123.45 EUR"},
		{money.Money{Amount: 5, Currency: "EUR"}, "0.05 EUR"},
		{money.Money{Amount: -5, Currency: "EUR"}, "-0.05 EUR"},
		{money.Money{Amount: -12345, Currency: "JPY"}, "-12345 JPY"},
		{money.Money{Amount: 1, Currency: "BHD"}, "0.001 BHD"},
		{money.Money{Currency: "JPY"}, "0 JPY"},
		{money.Money{Amount: -9223372036854775808, Currency: "USD"}, "-92233720368547758.08 USD"},
	}
	for _, tt := range tests {
		if got := tt.m.String(); got != tt.want {
			t.Errorf("%+v is written %q; want %q", tt.m, got, tt.want)
		}
	}
	text, err := json.Marshal(money.Money{Amount: 12345, Currency: "EUR"})
	if err != nil || string(text) != `{"amount":12345,"currency":"EUR"}` {
		t.Errorf("JSON = %s, %v", text, err)
	}
}
