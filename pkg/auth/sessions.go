package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/store"
)

// SessionBody is a session as its holder sees it.
type SessionBody struct {
	ID      string    `json:"id" example:"ses_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name    string    `json:"name" doc:"What you call it; empty until you name it." example:"Studio laptop"`
	IP      string    `json:"ip" doc:"Where the login came from, shortened to a network: /24 of IPv4, /48 of IPv6." example:"192.0.2.0/24"`
	Browser string    `json:"browser" doc:"The family of the browser at the login, no version; empty when unknown." example:"Firefox"`
	BeganAt time.Time `json:"began_at" doc:"When you logged in. It ends a year later at the latest."`
	UsedAt  time.Time `json:"used_at" doc:"When its tokens were last refreshed, at most 15 minutes before its last call. It ends after 30 days without."`
	Current bool      `json:"current" doc:"Whether it is the session that asks."`
}

func sessionBody(c *api.Caller, s *Session) SessionBody {
	return SessionBody{ID: string(s.ID), Name: s.Name, IP: s.IP, Browser: s.Browser, BeganAt: time.Unix(s.Began, 0).UTC(),
		UsedAt: time.Unix(s.Used, 0).UTC(), Current: s.ID == c.Session}
}

func exampleSession() SessionBody {
	began := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return SessionBody{ID: "ses_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Studio laptop", IP: "192.0.2.0/24", Browser: "Firefox",
		BeganAt: began, UsedAt: began.Add(time.Hour), Current: true}
}

// SessionList is all sessions of a user.
type SessionList struct {
	Data []SessionBody `json:"data" doc:"Every session, the oldest login first; at most 50."`
}

// SessionListOut is the answer of list-sessions.
type SessionListOut struct{ Body SessionList }

// ListSessions shows where the caller is logged in.
func ListSessions() api.Operation {
	return api.New(api.Route{
		ID: "list-sessions", Area: "account", Method: http.MethodGet, Path: "/v1/me/sessions", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Where you are logged in", Purpose: purpose.Security, ExampleOut: SessionList{Data: []SessionBody{exampleSession()}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*SessionListOut, error) {
		rows, _, err := store.List[Session](ctx, c.Self, store.Query{Partition: c.Self.Scope().Partition(FamilySession), Limit: access.MaxSessions})
		if err != nil {
			return nil, err
		}
		out := &SessionListOut{Body: SessionList{Data: make([]SessionBody, len(rows))}}
		for n, s := range rows {
			out.Body.Data[n] = sessionBody(c, s)
		}
		return out, nil
	})
}

// OneSession names a session in the path.
type OneSession struct {
	ID string `path:"id" maxLength:"40" example:"ses_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func (o OneSession) parse() (id.Session, error) {
	s, err := id.Parse[id.Session](o.ID)
	if err != nil {
		return "", problem.Missing("session")
	}
	return s, nil
}

// RenameSessionIn is the input of rename-session.
type RenameSessionIn struct {
	OneSession
	Body SessionName
}

// SessionName is what a session is called.
type SessionName struct {
	Name string `json:"name" maxLength:"60" doc:"Empty removes it." example:"Studio laptop"`
}

// SessionOut is the answer of rename-session.
type SessionOut struct{ Body SessionBody }

// RenameSession names a session of the caller. Only its holder can, and a refresh of its tokens changes the row, so a
// version would tell nothing: the last name stays.
func RenameSession(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "rename-session", Area: "account", Method: http.MethodPatch, Path: "/v1/me/sessions/{id}", Audience: api.Users,
		Summary: "Name a session", Purpose: purpose.Security, ExampleIn: SessionName{Name: "Studio laptop"}, ExampleOut: exampleSession(),
		Refusals: []api.Refusal{sessionMissing()},
	}, func(ctx context.Context, c *api.Caller, in *RenameSessionIn) (*SessionOut, error) {
		session, err := in.parse()
		if err != nil {
			return nil, err
		}
		for range meetings {
			s, err := store.Get[Session](ctx, c.Self, SessionKey(c.User, session))
			if errors.Is(err, store.ErrMissing) {
				return nil, problem.Missing("session")
			}
			if err != nil {
				return nil, err
			}
			s.Name = in.Body.Name
			tx := st.Begin()
			tx.Replace(c.Self, s)
			err = c.Commit(ctx, tx, string(session))
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &SessionOut{Body: sessionBody(c, s)}, nil
		}
		return nil, store.ErrConflict
	})
}

func sessionMissing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "session_not_found", When: "You have no such session, or it has ended."}
}

// EndSession ends one session of the caller.
func EndSession(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "end-session", Area: "account", Method: http.MethodDelete, Path: "/v1/me/sessions/{id}", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "End a session", Purpose: purpose.Security,
		Description: "Its access and refresh tokens no longer count from their next call on. Ending the session that asks is a log-out.",
		Refusals:    []api.Refusal{sessionMissing()},
	}, func(ctx context.Context, c *api.Caller, in *OneSession) (*struct{}, error) {
		session, err := in.parse()
		if err != nil {
			return nil, err
		}
		ended, err := endThose(ctx, st, c.Self, func(live id.Session) bool { return live == session },
			func(tx *store.Tx) { c.AuditFor(tx, c.Self, string(session), "done") })
		if err == nil && ended == 0 {
			err = problem.Missing("session")
		}
		return nil, err
	})
}

// EndOtherSessions ends every session of the caller but the one that asks.
func EndOtherSessions(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "end-other-sessions", Area: "account", Method: http.MethodDelete, Path: "/v1/me/sessions", Audience: api.Users, Rights: true, Audit: true,
		Status: http.StatusNoContent, Summary: "End all other sessions", Purpose: purpose.Security,
		Description: "Only the session that asks goes on. The tokens of the others no longer count from their next call on.",
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*struct{}, error) {
		_, err := endThose(ctx, st, c.Self, func(live id.Session) bool { return live != c.Session },
			func(tx *store.Tx) { c.AuditFor(tx, c.Self, string(c.User), "done") })
		return nil, err
	})
}
