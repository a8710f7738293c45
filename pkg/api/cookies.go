package api

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"pixeltrack.io/platform/pkg/problem"
)

// A browser may keep its tokens in cookies that no script can read. Their prefixes bind them to this host and to HTTPS
// (RFC 6265bis): the access cookie goes with every call, the refresh cookie to the area that refreshes alone.
const (
	AccessCookie  = "__Host-access"
	RefreshCookie = "__Secure-refresh"

	accessAttributes  = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="
	refreshAttributes = "; Path=/v1/auth; Secure; HttpOnly; SameSite=Strict; Max-Age="
)

// ByCookie says whether the caller's access token came as a cookie, so that tokens go back the same way.
func (c *Caller) ByCookie() bool { return c.byCookie }

// GiveAccess sets the access cookie, for as long as the token lives.
func (c *Caller) GiveAccess(token string, life time.Duration) {
	c.SetCookie(AccessCookie + "=" + token + accessAttributes + strconv.Itoa(int(life.Seconds())))
}

// GiveRefresh sets the refresh cookie, for as long as the token lives unused.
func (c *Caller) GiveRefresh(token string, life time.Duration) {
	c.SetCookie(RefreshCookie + "=" + token + refreshAttributes + strconv.Itoa(int(life.Seconds())))
}

// DropCookies takes both cookies off the browser.
func (c *Caller) DropCookies() {
	c.SetCookie(AccessCookie + "=" + accessAttributes + "0")
	c.SetCookie(RefreshCookie + "=" + refreshAttributes + "0")
}

// dropCookies takes the cookies of a session that is no more off the browser that sent them.
func (c *Caller) dropCookies() {
	if c.byCookie {
		c.DropCookies()
	}
}

// unambiguous refuses a call that says in two ways who calls.
func (c *Caller) unambiguous() error {
	if c.Headers("Authorization") != "" && (c.Cookies[AccessCookie] != "" || c.Cookies[RefreshCookie] != "") {
		return problem.Of(problem.Malformed, "two_credentials", "Send either the Authorization header or the cookies.")
	}
	return nil
}

// OwnSite refuses a call that changes something unless it comes from a page of the web app: a browser that is on another
// site sends the cookies of nobody in particular, or would be logged in as somebody else. A browser says where a call comes
// from by Sec-Fetch-Site and Origin; a call that says neither is not taken.
func (c *Caller) OwnSite() error {
	if c.route.Method == http.MethodGet {
		return nil
	}
	origin, site := c.Headers("Origin"), c.Headers("Sec-Fetch-Site")
	if (site == "" || site == "same-origin" || site == "same-site") && (slices.Contains(c.origins, origin) && origin != "" || origin == "" && site == "same-origin") {
		return nil
	}
	return problem.Of(problem.Forbidden, "cross_site", "With cookies, calls that change something are taken from the web app's own pages alone (Origin, Sec-Fetch-Site).")
}
