package auth

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/keys"
	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/store"
)

// FamilySession holds the sessions of a user.
const FamilySession store.Family = "SESSION"

const (
	// idle is how long a session lives without use.
	idle = 30 * 24 * time.Hour
	// longest is how long it lives at all.
	longest = 365 * 24 * time.Hour
	// grace is how long the last spent refresh token gives its successor again, for an answer that was lost.
	grace = 30 * time.Second
)

// Session is one login and the family of its refresh tokens. It holds no token: each is derived from the counter.
type Session struct {
	store.Meta
	ID           id.Session      `dynamo:"id"`
	User         id.User         `dynamo:"user"`
	Name         string          `dynamo:"name,omitempty"`
	Counter      int64           `dynamo:"counter"` // of the refresh token that is unspent
	Rotated      int64           `dynamo:"rotated"` // epoch seconds the one before was spent at
	Organization id.Organization `dynamo:"org,omitempty"`
	Member       id.Member       `dynamo:"member,omitempty"`
	Began        int64           `dynamo:"began"`             // epoch seconds
	Proved       int64           `dynamo:"proved,omitempty"`  // likewise: when the person last showed who they are; 0 is when it began
	Used         int64           `dynamo:"used"`              // likewise
	Gap          int64           `dynamo:"gap,omitempty"`     // seconds: the longest time without use since the person last showed who they are
	IP           string          `dynamo:"ip,omitempty"`      // truncated
	Browser      string          `dynamo:"browser,omitempty"` // its family
}

// Type is the row's type.
func (s *Session) Type() string { return "SESSION" }

// Keys puts sessions under their user.
func (s *Session) Keys() store.Keys { return store.Keys{Primary: SessionKey(s.User, s.ID)} }

// SessionKey is where a session lies.
func SessionKey(u id.User, s id.Session) store.Key {
	return store.UserScope(u).Key(FamilySession, string(s))
}

// use marks the session as used at a time, which moves its end.
func (s *Session) use(at time.Time) {
	if s.Used != 0 {
		s.Gap = max(s.Gap, at.Unix()-s.Used)
	}
	s.Used = at.Unix()
	end := at.Add(idle)
	if last := time.Unix(s.Began, 0).Add(longest); last.Before(end) {
		end = last
	}
	s.Expire(end)
}

// proved is when the person of the session last showed who they are.
func (s *Session) proved() time.Time { return time.Unix(cmp.Or(s.Proved, s.Began), 0) }

// prove marks that the person of the session has just shown who they are.
func (s *Session) prove(at time.Time) {
	s.use(at)
	s.Proved, s.Gap = at.Unix(), 0
}

// suits says whether an organization takes the session. It may have been unused for too long, at any time since the person
// last showed who they are, or that may have been too long ago: else who finds an open session could bring it in by way of
// an organization that asks for less.
func (s *Session) suits(g *access.OrganizationGate, now time.Time) bool {
	unused := time.Duration(s.Gap) * time.Second
	return (g.SessionIdleHours == 0 || unused <= time.Duration(g.SessionIdleHours)*time.Hour) &&
		(g.SessionMaxDays == 0 || now.Sub(s.proved()) < time.Duration(g.SessionMaxDays)*24*time.Hour)
}

// newSession makes a session of a caller who has just logged in.
func newSession(c *api.Caller, user id.User) *Session {
	s := &Session{ID: api.NewID[id.Session](c), User: user, Counter: 1, Began: c.Now.Unix(), Rotated: c.Now.Unix(),
		IP: privacy.Truncate(c.Source), Browser: browser(c.Agent)}
	s.use(c.Now)
	return s
}

// admit adds a session to a gate, and gives those that have to make room or have ended.
func admit(gate *access.UserGate, s *Session, now time.Time) (ended []id.Session) {
	live := map[string]int64{}
	for name, end := range gate.Sessions {
		if end > now.Unix() {
			live[name] = end
		}
	}
	oldest := slices.SortedFunc(func(yield func(string) bool) {
		for name := range live {
			if !yield(name) {
				return
			}
		}
	}, func(a, b string) int { return cmp.Or(cmp.Compare(live[a], live[b]), cmp.Compare(a, b)) })
	for len(oldest) >= access.MaxSessions {
		ended = append(ended, id.Session(oldest[0]))
		delete(live, oldest[0])
		oldest = oldest[1:]
	}
	live[string(s.ID)] = time.Unix(s.Began, 0).Add(longest).Unix()
	gate.Sessions = live
	return ended
}

// end ends a session: it leaves the gate, its row goes, and what is to be noted about it is added to the transaction. A
// session that has ended already stays so.
func end(ctx context.Context, st *store.Store, h *store.User, session id.Session, note func(*store.Tx)) error {
	_, err := endThose(ctx, st, h, func(live id.Session) bool { return live == session }, note)
	return err
}

// endThose ends the sessions of a user that are asked for, in one transaction with a note, and says how many there
// were. Where there are none it writes nothing.
func endThose(ctx context.Context, st *store.Store, h *store.User, asked func(id.Session) bool, note func(*store.Tx)) (int, error) {
	for range meetings {
		gate, err := store.Get[access.UserGate](ctx, h, access.UserGateKey(h.ID))
		if errors.Is(err, store.ErrMissing) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		tx, ended := st.Begin(), 0
		for name := range gate.Sessions {
			if session := id.Session(name); asked(session) {
				delete(gate.Sessions, name)
				tx.DeleteKey(h, SessionKey(h.ID, session), "")
				ended++
			}
		}
		if ended == 0 {
			return 0, nil
		}
		tx.Replace(h, gate)
		note(tx)
		if err := tx.Commit(ctx); !errors.Is(err, store.ErrStale) {
			return ended, err
		}
	}
	return 0, store.ErrConflict
}

// refreshPrefix lets scanners of sources recognise a refresh token.
const refreshPrefix = "rft"

// refreshToken is the nth refresh token of a session, derived from the server's secret.
func refreshToken(secret keys.Links, user id.User, session id.Session, n int64) string {
	name := bare(string(user)) + "." + bare(string(session)) + "." + strconv.FormatInt(n, 10)
	return refreshPrefix + "_" + name + "." + secret.Token("refresh", name)
}

// readRefreshToken reads a refresh token that this server derived, false for any other text.
func readRefreshToken(secret keys.Links, token string) (user id.User, session id.Session, n int64, ok bool) {
	rest, hasPrefix := strings.CutPrefix(token, refreshPrefix+"_")
	parts := strings.Split(rest, ".")
	if !hasPrefix || len(parts) != 4 || !secret.Check(parts[3], "refresh", strings.Join(parts[:3], ".")) {
		return "", "", 0, false
	}
	user, errUser := id.Parse[id.User](id.PrefixUser + "_" + parts[0])
	session, errSession := id.Parse[id.Session](id.PrefixSession + "_" + parts[1])
	n, errCount := strconv.ParseInt(parts[2], 10, 64)
	return user, session, n, errUser == nil && errSession == nil && errCount == nil
}

func bare(text string) string {
	_, rest, _ := strings.Cut(text, "_")
	return rest
}

// browser is the family of a browser, the most that is kept of a User-Agent.
func browser(agent string) string {
	for _, f := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
		{"curl/", "curl"}, {"Go-http-client/", "Go"}} {
		if strings.Contains(agent, f[0]) {
			return f[1]
		}
	}
	if agent == "" {
		return ""
	}
	return "other"
}
