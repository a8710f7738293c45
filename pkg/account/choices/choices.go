// Package choices is which mails a person wants. Mails that the account or the law needs are always sent and are no choice;
// mails that advertise rest on a consent (pkg/privacy), and are off until it is given.
package choices

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/problem"
	"pixeltrack.io/platform/pkg/registry"
	"pixeltrack.io/platform/pkg/store"
)

// Family holds the choices of a user.
const Family store.Family = "NOTIFYCHOICE"

// Choices are the mails that a person does not want. Who has never chosen has no row, and gets all.
type Choices struct {
	store.Meta
	User id.User  `dynamo:"user"`
	Off  []string `dynamo:"off,omitempty"` // kinds of mails
}

// Type is the row's type.
func (c *Choices) Type() string { return "NOTIFY_CHOICE" }

// Keys puts the choices into the user's scope.
func (c *Choices) Keys() store.Keys { return store.Keys{Primary: Key(c.User)} }

// Key is where a user's choices lie.
func Key(u id.User) store.Key { return store.UserScope(u).Key(Family) }

// Kind is a kind of mails that a person may turn off.
type Kind struct {
	ID    string
	Title string
}

// Kinds lists what can be chosen.
func Kinds() []Kind {
	return []Kind{{ID: "timer_forgotten", Title: "A timer of yours has been running for eight hours"}}
}

// Optional gives a template whose mails are dropped when the person does not want them.
func Optional(t compose.Template) compose.Template {
	write := t.Compose
	t.Compose = func(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
		h, err := c.User(m)
		if err != nil {
			return mail.Message{}, err
		}
		chosen, err := of(ctx, h)
		if err != nil {
			return mail.Message{}, err
		}
		if slices.Contains(chosen.Off, t.Kind) {
			return mail.Message{}, compose.ErrGone
		}
		return write(ctx, c, m)
	}
	return t
}

// of reads the choices of a user; who has made none has all on.
func of(ctx context.Context, h *store.User) (*Choices, error) {
	c, err := store.Get[Choices](ctx, h, Key(h.ID))
	if errors.Is(err, store.ErrMissing) {
		return &Choices{User: h.ID}, nil
	}
	return c, err
}

// Body is one kind of mails and what the person chose.
type Body struct {
	Kind  string `json:"kind" example:"timer_forgotten"`
	Title string `json:"title" example:"A timer of yours has been running for eight hours"`
	Mail  bool   `json:"mail" doc:"Whether it is mailed." example:"true"`
}

// Out is the answer of both routes.
type Out struct {
	api.Tagged
	Body api.List[Body]
}

func show(c *Choices) *Out {
	out := &Out{Tagged: api.Tag(c.Version), Body: api.List[Body]{Data: []Body{}}}
	for _, k := range Kinds() {
		out.Body.Data = append(out.Body.Data, Body{k.ID, k.Title, !slices.Contains(c.Off, k.ID)})
	}
	return out
}

const what = "Mails about your account, its security, your rights and your invoices are always sent and are not listed. Mails that advertise are sent only with your consent (/v1/privacy/consents)."

// GetNotificationChoices shows which mails the caller wants.
func GetNotificationChoices() api.Operation {
	return api.New(api.Route{
		ID: "get-notification-choices", Area: "account", Method: http.MethodGet, Path: "/v1/me/notifications", Audience: api.Users, PureRead: true, Rights: true,
		Summary: "Which mails you want", Purpose: purpose.ServiceNotices, Description: what, ExampleOut: show(&Choices{}).Body,
	}, func(ctx context.Context, c *api.Caller, _ *struct{}) (*Out, error) {
		chosen, err := of(ctx, c.Self)
		if err != nil {
			return nil, err
		}
		return show(chosen), nil
	})
}

// In is the input of update-notification-choices.
type In struct{ Body Changes }

// Changes are choices about some kinds; the others stay.
type Changes struct {
	Choices []Change `json:"choices" minItems:"1" maxItems:"100"`
}

// Change is a choice about one kind.
type Change struct {
	Kind string `json:"kind" maxLength:"64" example:"timer_forgotten"`
	Mail bool   `json:"mail" doc:"Whether it is to be mailed." example:"false"`
}

// UpdateNotificationChoices changes which mails the caller wants. It counts for mails that are sent from then on.
func UpdateNotificationChoices(st *store.Store) api.Operation {
	return api.New(api.Route{
		ID: "update-notification-choices", Area: "account", Method: http.MethodPatch, Path: "/v1/me/notifications", Audience: api.Users, Rights: true,
		Summary: "Choose which mails you want", Purpose: purpose.ServiceNotices, Description: what + " Kinds that are left out stay as they are; of one that is named twice the last counts.",
		ExampleIn: Changes{[]Change{{"timer_forgotten", false}}}, ExampleOut: show(&Choices{}).Body,
	}, func(ctx context.Context, c *api.Caller, in *In) (*Out, error) {
		for _, ch := range in.Body.Choices {
			if !slices.ContainsFunc(Kinds(), func(k Kind) bool { return k.ID == ch.Kind }) {
				return nil, problem.InvalidField("body.choices", "not a kind of mails that can be chosen")
			}
		}
		for range meetings {
			chosen, err := of(ctx, c.Self)
			if err != nil {
				return nil, err
			}
			chosen.apply(in.Body.Choices)
			tx := st.Begin()
			if chosen.Version == 0 {
				tx.Create(c.Self, chosen).Else(store.ErrStale)
			} else {
				tx.Replace(c.Self, chosen)
			}
			if err := c.Commit(ctx, tx, string(c.User)); errors.Is(err, store.ErrStale) {
				continue
			} else if err != nil {
				return nil, err
			}
			return show(chosen), nil
		}
		return nil, store.ErrConflict
	})
}

// meetings bounds how often a call meets another writer of the same row.
const meetings = 20

func (c *Choices) apply(changes []Change) {
	off := map[string]bool{}
	for _, kind := range c.Off {
		off[kind] = true
	}
	for _, ch := range changes {
		off[ch.Kind] = !ch.Mail
	}
	c.Off = nil
	for _, k := range Kinds() {
		if off[k.ID] {
			c.Off = append(c.Off, k.ID)
		}
	}
}

// Routes lists the routes of this package.
func Routes() []api.Operation {
	return []api.Operation{GetNotificationChoices(), UpdateNotificationChoices(nil)}
}

// Rows registers the rows of this package.
func Rows() []registry.Row {
	return []registry.Row{{Sample: Choices{}, Type: "NOTIFY_CHOICE", Area: "account", Subject: registry.SubjectUser, Purpose: purpose.ServiceNotices, Basis: registry.Contract,
		Class: registry.ClassAccount, Export: "notification_choices", Family: string(Family), Scopes: []registry.Scope{registry.InUser}, Fields: []registry.Field{
			registry.Personal("user", "user_id", "whose choices they are", registry.EraseWithRow), registry.Plain("off", "fixed words"),
		}}}
}
