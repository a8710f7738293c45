package support

import (
	"context"
	"fmt"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/correspondents"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/mail"
	"pixeltrack.io/platform/pkg/outbox"
	"pixeltrack.io/platform/pkg/outbox/compose"
	"pixeltrack.io/platform/pkg/store"
)

// Templates lists the mails of this area. Each goes to who asked, and can be answered: the answer comes into the ticket.
func Templates() []compose.Template {
	return []compose.Template{
		{Kind: MailReceived, Compose: letter(func(t *Ticket) compose.Letter {
			return compose.Letter{Subject: "We have your message", Paragraphs: []string{"Your message has reached PixelTrack's support. Its number is " + string(t.ID) + ".",
				"To add something, answer this mail."}}
		})},
	}
}

// letter makes the template of a mail about a ticket.
func letter(write func(*Ticket) compose.Letter) func(context.Context, *compose.Composer, *outbox.Mail) (mail.Message, error) {
	return func(ctx context.Context, c *compose.Composer, m *outbox.Mail) (mail.Message, error) {
		h, ok := outbox.Bind(c.Store, c.Actor, m.Keys().Primary)
		if !ok {
			return mail.Message{}, fmt.Errorf("compose %s: in no scope of a ticket", m.Template)
		}
		ticket := id.Ticket(m.Ids["ticket"])
		t, err := store.Get[Ticket](ctx, h, KeyIn(h.Scope(), ticket))
		if err != nil {
			return mail.Message{}, compose.Gone(err)
		}
		to, err := asker(ctx, c, h, t)
		if err != nil {
			return mail.Message{}, err
		}
		message := c.Write(to, write(t))
		message.ReplyTo = c.Boxes.Reply(mail.SupportBox, Tag(c.Links, h.Scope(), t.ID))
		message.Headers = map[string]string{"Auto-Submitted": "auto-replied"} // RFC 3834: no machine need answer
		return message, nil
	}
}

// asker is who asked. A member who has left, or whose account has gone, is not written to.
func asker(ctx context.Context, c *compose.Composer, h outbox.Holder, t *Ticket) (compose.Person, error) {
	if hash, ok := h.Scope().Case(); ok {
		return correspondents.Person(ctx, c.Store.BindCase(hash, c.Actor))
	}
	a, err := store.Get[access.Access](ctx, h, access.AccessKey(t.Org, t.Member))
	if err != nil {
		return compose.Person{}, compose.Gone(err)
	}
	if !a.Live() {
		return compose.Person{}, compose.ErrGone
	}
	user := c.Store.BindUser(a.User, c.Actor)
	user.SeeRestricted()
	return c.People(ctx, user)
}
