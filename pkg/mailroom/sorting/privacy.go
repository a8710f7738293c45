package sorting

import (
	"context"

	"pixeltrack.io/platform/pkg/privacy"
	"pixeltrack.io/platform/pkg/privacy/request"
	"pixeltrack.io/platform/pkg/store"
)

// privacy brings a mail to who answers questions about personal data (policy 6.3, 13 and 15). It opens a request of the same
// kind as one made in the product, with its clocks from this moment on; what the mail leaves open is asked, and rejected is
// nothing. An answer to one of our mails goes to its request.
func (s *sorter) privacy(ctx context.Context, tx *store.Tx, l *letter) error {
	h, err := privacy.Asker(ctx, s.st, s.actor, s.Pseudonyms, l.from)
	if err != nil {
		return err
	}
	words := l.text
	if l.subject != "" {
		words = l.subject + "\n\n" + l.text
	}
	kinds := request.Asked(words)
	for _, p := range []privacy.Person{h, l.address} {
		c, ok := privacy.Tagged(s.Links, p.Scope(), l.tag)
		if !ok {
			continue
		}
		if heard, err := privacy.Hear(ctx, tx, p, c, kinds, l.text); err != nil || heard {
			return err
		}
	}
	return privacy.File(ctx, tx, h, privacy.Filing{From: l.from, Name: l.name, Kinds: kinds, Description: words})
}
