package mail

import (
	"net/mail"
	"strings"
)

// Box is one of the addresses that mails come in at.
type Box string

// The boxes. Privacy and Officer are those of policy sections 6.3 and 13.
const (
	SupportBox Box = "support"
	PrivacyBox Box = "privacy"
	OfficerBox Box = "dpo"
)

// Boxes are the addresses of one domain.
type Boxes struct{ Domain string } // pixeltrack.io

// Address is the address of a box.
func (b Boxes) Address(box Box) string { return string(box) + "@" + b.Domain }

// Reply is the address of a box at which an answer to one of our mails comes in. The tag tells which mail it was; it is at
// most 56 characters of a-z, 0-9 and dots, because the way there may lose capitals.
func (b Boxes) Reply(box Box, tag string) string { return string(box) + "+" + tag + "@" + b.Domain }

// Of finds the box that a mail to some addresses is for, with the tag of its address. A mail to several is for the first
// of privacy, officer and support; false is for none of them.
func (b Boxes) Of(to []string) (box Box, tag string, ok bool) {
	for _, box := range []Box{PrivacyBox, OfficerBox, SupportBox} {
		for _, text := range to {
			local, domain, _ := strings.Cut(strings.ToLower(Bare(text)), "@")
			name, tag, _ := strings.Cut(local, "+")
			if Box(name) == box && domain == strings.ToLower(b.Domain) {
				return box, tag, true
			}
		}
	}
	return "", "", false
}

// Bare is the address in a text like Ada Example <ada@example.com>, empty when there is none.
func Bare(text string) string {
	a, err := mail.ParseAddress(text)
	if err != nil {
		return ""
	}
	return a.Address
}
