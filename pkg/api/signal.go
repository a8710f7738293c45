package api

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// OptOutCookie remembers in a browser that its person has opted out, without saying who it is.
const OptOutCookie = "__Host-opt-out"

const optOutAttributes = "; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age="

// RememberOptOut sets the cookie of an opt-out, for as long as nobody is to be asked again.
func (c *Caller) RememberOptOut(life time.Duration) {
	c.SetCookie(OptOutCookie + "=1" + optOutAttributes + strconv.Itoa(int(life.Seconds())))
}

// ForgetOptOut takes the cookie of an opt-out off a browser that sent it, whose person has now agreed.
func (c *Caller) ForgetOptOut() {
	if c.Cookies[OptOutCookie] != "" {
		c.SetCookie(OptOutCookie + "=" + optOutAttributes + "0")
	}
}

// Signals says whether the request carries Global Privacy Control: Sec-GPC with the value 1 and no other. Of several
// headers, which the gateway joins by commas, one is enough.
func (c *Caller) Signals() bool {
	return slices.ContainsFunc(strings.Split(c.Headers("Sec-GPC"), ","), func(v string) bool { return strings.TrimSpace(v) == "1" })
}

// signalled is what every request is looked at for, by its headers alone: the signal, or the cookie of an opt-out.
func (c *Caller) signalled() bool { return c.Signals() || c.Cookies[OptOutCookie] != "" }

// recognized says whether somebody says who they are on a public route that asks for nobody.
func (c *Caller) recognized() bool {
	return c.route.Recognizes && (c.Headers("Authorization") != "" || c.Cookies[AccessCookie] != "")
}
