package request_test

import (
	"slices"
	"testing"

	"pixeltrack.io/platform/pkg/privacy/request"
)

func TestAsked(t *testing.T) {
	tests := []struct {
		text string
		want []request.Kind
	}{
		{"Please send me a copy of my personal data.", []request.Kind{request.Access}},
		{"Subject access request", []request.Kind{request.Access}},
		{"What information do you hold about me?", []request.Kind{request.Access}},
		{"Under Art. 15 GDPR", []request.Kind{request.Access}},
		{"Please delete my account and all my data", []request.Kind{request.Erasure}},
		{"I invoke the right to be forgotten", []request.Kind{request.Erasure}},
		{"Delete my data, but first send me\na copy of my data.", []request.Kind{request.Access, request.Erasure}},
		{"Please correct my family name in the record", []request.Kind{request.Rectification}},
		{"I object to analytics", []request.Kind{request.Objection}},
		{"I withdraw my consent", []request.Kind{request.ConsentWithdrawal}},
		{"Do not sell my data", []request.Kind{request.OptOut}},
		{"I want my data in a portable format", []request.Kind{request.Portability}},
		{"Restrict the processing of it", []request.Kind{request.Restriction}},
		{"Where are your servers?", nil},
		{"I cannot access the site", nil},
		{"My article 150 is gone", nil},
		{"", nil},
	}
	for _, tt := range tests {
		if got := request.Asked(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("Asked(%q) = %v; want %v", tt.text, got, tt.want)
		}
	}
}
