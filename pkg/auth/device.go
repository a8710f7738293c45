package auth

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/auth/guard"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/store"
)

// The cookie that a browser is known again by.
const deviceCookie = "__Host-device"

// deviceLife is how long a device is known after the login that it was first seen at.
const deviceLife = 365 * 24 * time.Hour

// device is what somebody logs in from: known when a token of this server says that the account was logged in to from it
// before. A known device has a count of attempts of its own, so that nobody who guesses elsewhere can lock it out.
type device struct {
	token string
	name  string // of a known device
}

const devicePrefix = "dvt"

// deviceOf recognises the device of a caller who wants into the account of an address, by the token that they send or by
// the cookie. A token for another account, or one that is a year old, makes no device known.
func deviceOf(c *api.Caller, secret keys.Links, address, token string) device {
	if token == "" {
		token = c.Cookies[deviceCookie]
	}
	rest, _ := strings.CutPrefix(token, devicePrefix+"_")
	parts := strings.Split(rest, ".")
	if len(parts) == 3 && secret.Check(parts[2], "device", parts[0]+"."+parts[1]+"."+address) {
		seen, err := strconv.ParseInt(parts[1], 10, 64)
		if age := c.Now.Sub(time.Unix(seen, 0)); err == nil && age < deviceLife {
			return device{token: token, name: parts[0]}
		}
	}
	return device{}
}

func (d device) known() bool { return d.name != "" }

// remember gives the caller what their device is known again by from now on, as a cookie, and as a token unless they want
// cookies alone.
func (d device) remember(c *api.Caller, secret keys.Links, address, session string, how Manner) string {
	if !d.known() {
		name := bare(session) + "." + strconv.FormatInt(c.Now.Unix(), 10)
		d.token = devicePrefix + "_" + name + "." + secret.Token("device", name+"."+address)
	}
	c.SetCookie(deviceCookie + "=" + d.token + "; Path=/; Max-Age=" + strconv.Itoa(int(deviceLife.Seconds())) + "; Secure; HttpOnly; SameSite=Strict")
	if how.Cookies {
		return ""
	}
	return d.token
}

// Device is what somebody who proved who they are logs in from, and whether the account was logged in to from it before.
type Device struct {
	device
	address string
}

// Device recognises what a caller logs in to a user's account from, by the token that they send or by the cookie.
func (e *Entry) Device(ctx context.Context, c *api.Caller, user id.User, token string) (*Device, error) {
	h := e.Store.BindUser(user, store.Actor{Who: string(user), Request: c.Request})
	h.SeeRestricted()
	p, err := store.Get[account.Profile](ctx, h, account.ProfileKey(user))
	if errors.Is(err, store.ErrMissing) {
		return nil, invalidCredentials()
	}
	if err != nil {
		return nil, err
	}
	return &Device{deviceOf(c, e.Refresh, p.MailHash, token), p.MailHash}, nil
}

// Remember lets a device be known again after a login from it.
func (e *Entry) Remember(c *api.Caller, d *Device, out *TokensOut, how Manner) {
	out.Body.DeviceToken = d.remember(c, e.Refresh, d.address, string(api.NewID[id.Session](c)), how)
}

// Known says whether the account was logged in to from here before.
func (d *Device) Known() bool { return d.known() }

// accountAttempts is how often an hour somebody may try to log in to one account from devices that are not known,
// wherever they are; with the ten each quarter of an hour from one known device it stays under a hundred.
const accountAttempts = 50

// logInGuard counts the attempts at one account: those of a known device by themselves, all others by where they come
// from and together.
type logInGuard struct{ own, all *guard.Counter }

func guardLogIn(st *store.Store, pseudonyms keys.Pseudonyms, c *api.Caller, address string, d device) logInGuard {
	actor := store.Actor{Who: "log-in", Request: c.Request}
	if d.known() {
		return logInGuard{own: guard.New(st, pseudonyms, actor, "log-in-device", address, d.name)}
	}
	return logInGuard{own: guard.New(st, pseudonyms, actor, "log-in", address, c.Source),
		all: guard.New(st, pseudonyms, actor, "log-in-account", address, "").Within(accountAttempts, time.Hour)}
}

// Attempt counts one attempt before it is made. What one place tries too often does not use up what all may.
func (g logInGuard) Attempt(ctx context.Context) error {
	if err := g.own.Attempt(ctx); err != nil || g.all == nil {
		return err
	}
	return g.all.Attempt(ctx)
}

// Forget adds to a transaction that the attempts from here count no more.
func (g logInGuard) Forget(tx *store.Tx) { g.own.Forget(tx) }

// Succeeded takes the attempt back from what all may try together: only failures are guesses.
func (g logInGuard) Succeeded(ctx context.Context) error {
	if g.all == nil {
		return nil
	}
	return g.all.Return(ctx)
}
