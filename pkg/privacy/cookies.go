package privacy

import (
	"context"
	"net/http"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/privacy/purpose"
)

// Cookie is one entry of the catalogue of cookies.
type Cookie struct {
	Name     string `json:"name"`
	Kind     string `json:"kind" enum:"essential,analytics"`
	Why      string `json:"why"`
	Life     string `json:"life"`
	SameSite string `json:"same_site"`
	HTTPOnly bool   `json:"http_only"`
	Secure   bool   `json:"secure"`
}

// Cookies lists every cookie that an answer of the API may set. No other is ever set.
func Cookies() []Cookie {
	return []Cookie{
		{"__Host-access", "essential", "keeps you signed in", "15 minutes", "Strict", true, true},
		{"__Secure-refresh", "essential", "renews the sign-in", "30 days without use, a year at most", "Strict", true, true},
		{"__Host-device", "essential", "knows this device again at a login, so that nobody can lock you out of it by guessing passwords elsewhere", "1 year", "Strict", true, true},
		{"__Host-age", "essential", "remembers, without a date, that the age check was not passed, so that it is not tried again", "1 day", "Strict", true, true},
		{"__Host-opt-out", "essential", "remembers that somebody opted out in this browser, without saying who, so that it counts and nobody is asked again", "1 year", "Strict", true, true},
	}
}

// CookiesOut is the answer of list-cookies.
type CookiesOut struct {
	CacheControl string `header:"Cache-Control"`
	Body         api.List[Cookie]
}

// ListCookies serves the catalogue of cookies.
func ListCookies() api.Operation {
	return api.New(api.Route{
		ID: "list-cookies", Area: "privacy", Method: http.MethodGet, Path: "/v1/privacy/cookies", Audience: api.Public, PureRead: true,
		Summary: "Every cookie that is ever set, and why", Purpose: purpose.PrivacyRights, ExampleOut: api.List[Cookie]{Data: Cookies()[:1]},
	}, func(context.Context, *api.Caller, *struct{}) (*CookiesOut, error) {
		return &CookiesOut{CacheControl: cached, Body: api.List[Cookie]{Data: Cookies()}}, nil
	})
}
