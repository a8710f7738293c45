package passkeys

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/clock"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/secondfactor"
	"pixeltrack.io/platform/pkg/store"
)

// Body is a passkey as its holder sees it.
type Body struct {
	ID        string     `json:"id" example:"psk_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
	Name      string     `json:"name" example:"Laptop"`
	BackedUp  bool       `json:"backed_up" doc:"Whether it is kept in several devices of the person."`
	CreatedAt time.Time  `json:"created_at"`
	UsedAt    *time.Time `json:"used_at,omitempty" doc:"The last login with it."`
}

// BodyOf shows a passkey.
func BodyOf(p *Passkey) Body {
	b := Body{ID: string(p.ID), Name: p.Name, BackedUp: p.BackedUp, CreatedAt: clock.At(p.Created)}
	if p.Used != 0 {
		at := clock.At(p.Used)
		b.UsedAt = &at
	}
	return b
}

// ExampleBody is a passkey for examples.
func ExampleBody() Body {
	return Body{ID: "psk_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB", Name: "Laptop", BackedUp: true, CreatedAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
}

// List is all passkeys of a person: twenty at most.
type List struct {
	Data []Body `json:"data"`
}

// ListOut is the answer of list-passkeys.
type ListOut struct{ Body List }

// ListPasskeys lists the caller's passkeys.
func ListPasskeys() api.Operation {
	return api.New(api.Route{
		ID: "list-passkeys", Area: "account", Method: http.MethodGet, Path: "/v1/me/passkeys", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Your passkeys", Purpose: purpose.Authentication, Description: "All of them, oldest first.", ExampleOut: List{[]Body{ExampleBody()}},
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*ListOut, error) {
		all, err := Of(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		out := &ListOut{Body: List{Data: []Body{}}}
		for _, p := range all {
			out.Body.Data = append(out.Body.Data, BodyOf(p))
		}
		return out, nil
	})
}

// ByID names a passkey.
type ByID struct {
	ID string `path:"id" maxLength:"40" example:"psk_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB"`
}

func read(ctx context.Context, c *api.Caller, name string) (*Passkey, error) {
	return api.Find[Passkey](ctx, c.Self, "passkey", name, func(which id.Passkey) store.Key { return KeyOf(c.User, which) })
}

func missing() api.Refusal {
	return api.Refusal{Kind: problem.NotFound, Code: "passkey_not_found", When: "The caller has no such passkey."}
}

// RenameIn is the input of update-passkey.
type RenameIn struct {
	ByID
	Body Rename
}

// Rename is a new name.
type Rename struct {
	Name string `json:"name" minLength:"1" maxLength:"60" example:"Old laptop"`
}

// BodyOut is the answer of update-passkey.
type BodyOut struct{ Body Body }

// UpdatePasskey renames a passkey of the caller. The last of two who rename it at once names it.
func UpdatePasskey(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "update-passkey", Area: "account", Method: http.MethodPatch, Path: "/v1/me/passkeys/{id}", Audience: api.Users, Rights: true,
		Summary: "Rename a passkey", Purpose: purpose.Authentication, ExampleIn: Rename{"Old laptop"}, ExampleOut: ExampleBody(),
		Refusals: []api.Refusal{missing()},
	}, func(ctx context.Context, c *api.Caller, in *RenameIn) (*BodyOut, error) {
		for range meetings {
			p, err := read(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			p.Name = in.Body.Name
			tx := st.Begin()
			tx.Replace(c.Self, p)
			err = c.Commit(ctx, tx, string(p.ID))
			if errors.Is(err, store.ErrStale) {
				continue
			}
			if err != nil {
				return nil, err
			}
			return &BodyOut{Body: BodyOf(p)}, nil
		}
		return nil, store.ErrConflict
	})
}

// DeletePasskey takes a passkey away from an account.
func DeletePasskey(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "delete-passkey", Area: "account", Method: http.MethodDelete, Path: "/v1/me/passkeys/{id}", Audience: api.Users, Rights: true, Audit: true,
		Fresh: secondfactor.Fresh, Status: http.StatusNoContent, Summary: "Remove a passkey", Purpose: purpose.Authentication,
		Description: "With the last second factor the recovery codes go; a password that is too short to stand alone has to be changed before. A mail tells the person.",
		Refusals: []api.Refusal{missing(),
			{Kind: problem.Conflict, Code: "password_too_short", When: "It is the last second factor, and the password has fewer than 15 characters."}},
	}, func(ctx context.Context, c *api.Caller, in *ByID) (*struct{}, error) {
		for range meetings {
			p, err := read(ctx, c, in.ID)
			if err != nil {
				return nil, err
			}
			f, err := secondfactor.Of(ctx, c.Self)
			if err != nil {
				return nil, err
			}
			tx := st.Begin()
			f.Passkeys--
			if !f.Enrolled() {
				f.End(tx, c.Self)
			}
			f.Write(tx, c.Self)
			tx.Delete(c.Self, p)
			tx.DeleteKey(st.BindPlatform(c.Actor()), store.TokenLookup(p.Hash), "")
			secondfactor.Tell(tx, c.Self, secondfactor.PasskeyRemoved, nil)
			if err := c.Commit(ctx, tx, string(p.ID)); !errors.Is(err, store.ErrStale) {
				return nil, err
			}
		}
		return nil, store.ErrConflict
	})
}
