package pattern_test

import (
	"testing"

	"pixeltrack.io/platform/infra/local/pattern"
)

func TestMatches(t *testing.T) {
	const event = `{"source":"pixeltrack","detail-type":"OutboxQueued","detail":{"pk":"ORG#1","n":3,"tags":["a","b"]}}`
	tests := []struct {
		name, pattern string
		want          bool
	}{
		{"an exact value", `{"source":["pixeltrack"]}`, true},
		{"another value", `{"source":["stripe"]}`, false},
		{"one of two values", `{"detail-type":["MailSettled","OutboxQueued"]}`, true},
		{"two members", `{"source":["pixeltrack"],"detail-type":["MailSettled"]}`, false},
		{"a prefix below", `{"detail":{"pk":[{"prefix":"ORG#"}]}}`, true},
		{"another prefix below", `{"detail":{"pk":[{"prefix":"USER#"}]}}`, false},
		{"a suffix", `{"detail":{"pk":[{"suffix":"#1"}]}}`, true},
		{"a number", `{"detail":{"n":[3]}}`, true},
		{"a member that is there", `{"detail":{"pk":[{"exists":true}]}}`, true},
		{"a member that is not there", `{"detail":{"sk":[{"exists":false}]}}`, true},
		{"a member that should be there", `{"detail":{"sk":[{"exists":true}]}}`, false},
		{"anything but one", `{"detail":{"pk":[{"anything-but":"ORG#1"}]}}`, false},
		{"anything but two", `{"detail":{"pk":[{"anything-but":["ORG#2","ORG#3"]}]}}`, true},
		{"one of a list", `{"detail":{"tags":["b"]}}`, true},
		{"below what is no object", `{"source":{"x":["y"]}}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := pattern.Parse(tt.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Matches([]byte(event)); got != tt.want {
				t.Errorf("%s matches = %v; want %v", tt.pattern, got, tt.want)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":              `{`,
		"nothing":              `{}`,
		"a value of its own":   `{"source":"pixeltrack"}`,
		"a test not known":     `{"source":[{"wildcard":"p*"}]}`,
		"two tests in one":     `{"source":[{"prefix":"p","suffix":"k"}]}`,
		"a test of wrong type": `{"source":[{"prefix":1}]}`,
	} {
		if _, err := pattern.Parse(text); err == nil {
			t.Errorf("%s: %s is a pattern; want an error", name, text)
		}
	}
}
