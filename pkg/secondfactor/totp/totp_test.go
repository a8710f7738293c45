package totp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/secondfactor/totp"
)

// seed is that of RFC 6238, appendix B.
var seed = []byte("12345678901234567890")

// TestCodesOfTheStandard has the vectors of RFC 6238, appendix B, for SHA-1: codes of eight digits, whose last six are
// those of six.
func TestCodesOfTheStandard(t *testing.T) {
	tests := []struct {
		at   int64
		want string
	}{
		{59, "94287082"}, {1111111109, "07081804"}, {1111111111, "14050471"},
		{1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"},
	}
	for _, tt := range tests {
		if got := totp.Code(seed, totp.Step(time.Unix(tt.at, 0))); got != tt.want[2:] {
			t.Errorf("the code at %d = %s; want %s", tt.at, got, tt.want[2:])
		}
	}
}

// TestCodesOfCounters has the vectors of RFC 4226, appendix D.
func TestCodesOfCounters(t *testing.T) {
	for step, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := totp.Code(seed, int64(step)); got != want {
			t.Errorf("Code(%d) = %s; want %s", step, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	at := time.Unix(1234567890, 0)
	now := totp.Step(at)
	tests := []struct {
		name string
		code string
		last int64
		want int64 // 0 for none
	}{
		{"of this step", totp.Code(seed, now), 0, now},
		{"of the step before", totp.Code(seed, now-1), 0, now - 1},
		{"of the next step", totp.Code(seed, now+1), 0, now + 1},
		{"two steps ago", totp.Code(seed, now-2), 0, 0},
		{"two steps ahead", totp.Code(seed, now+2), 0, 0},
		{"used", totp.Code(seed, now), now, 0},
		{"older than the one used", totp.Code(seed, now-1), now, 0},
		{"younger than the one used", totp.Code(seed, now+1), now, now + 1},
		{"empty", "", 0, 0},
		{"longer", totp.Code(seed, now) + "0", 0, 0},
		{"shorter", totp.Code(seed, now)[1:], 0, 0},
		{"other digits of Unicode", "００００００", 0, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			step, ok := totp.Match(seed, tt.code, at, tt.last)
			if ok != (tt.want != 0) || step != tt.want {
				t.Errorf("Match(%q) = %d, %v; want %d", tt.code, step, ok, tt.want)
			}
		})
	}
}

func TestURI(t *testing.T) {
	u, err := url.Parse(totp.URI(seed, "Pixel Track", "ada+1@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Path != "/Pixel Track:ada+1@example.com" || q.Get("issuer") != "Pixel Track" ||
		q.Get("secret") != "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ" || q.Get("digits") != "6" || q.Get("period") != "30" || q.Get("algorithm") != "SHA1" {
		t.Errorf("the address is %s", u)
	}
	one, other := totp.Text(totp.NewSeed()), totp.Text(totp.NewSeed())
	if strings.Contains(one, "=") || one == other {
		t.Error("a seed has padding, or two are equal")
	}
}

func FuzzMatch(f *testing.F) {
	at := time.Unix(1234567890, 0)
	f.Add(totp.Code(seed, totp.Step(at)))
	f.Add("000000")
	f.Fuzz(func(t *testing.T, code string) {
		if step, ok := totp.Match(seed, code, at, 0); ok && totp.Code(seed, step) != code {
			t.Errorf("Match(%q) = %d; its code is %s", code, step, totp.Code(seed, step))
		}
	})
}
