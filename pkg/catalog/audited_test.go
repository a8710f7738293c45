package catalog_test

import (
	"slices"
	"testing"

	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/catalog"
)

// work are the areas whose changes are the work that the product is for: who made them stands on their rows. What touches
// security, access, money, privacy or an export is audited there as well.
var work = []string{"clients", "projects", "time", "files", "support"}

// unaudited are the changes outside those areas that leave no audit record, each with its reason.
var unaudited = map[string]string{
	"create-invoice":              "a draft owes nobody anything; sending, voiding and deleting one are audited",
	"update-invoice":              "a draft owes nobody anything; what was sent does not change",
	"create-checkout":             "a client's try to pay; what is paid is a payment's own row",
	"receive-stripe":              "a provider tells; its event is kept as a row",
	"receive-stripe-connect":      "a provider tells; its event is kept as a row",
	"receive-resend":              "a provider tells; what it says stands on the mail",
	"receive-inbound-mail":        "a provider tells; what came of the mail stands on its row",
	"create-mail-request":         "nobody is anybody yet; the request keeps its own history",
	"create-request-code":         "nobody is anybody yet; a code that is used stands in the request's history",
	"open-mail-request":           "a correspondent acts, who has no record but the request's own history",
	"sign-up":                     "nobody is anybody yet; the confirmation is audited",
	"resend-sign-up":              "nobody is anybody yet",
	"forgot-password":             "a known and an unknown address leave the same behind; the reset is audited",
	"decline-invitation":          "nobody of the organization acts; who declines wants nothing of it to stay",
	"create-child-report":         "nobody is anybody yet, and nothing happens before the report is confirmed",
	"confirm-child-report":        "who reports is nobody of ours; the case that it becomes keeps its history, and what is decided of it is audited",
	"ask-for-passkey":             "a challenge; the login that it is for is audited",
	"create-passkey-options":      "a challenge; the passkey that it is for is audited",
	"create-event":                "an event leads to nobody; a record of it would",
	"switch-organization":         "the login was audited, and so is what is done in the organization",
	"rename-session":              "a name that only its person sees",
	"update-passkey":              "a name that only its person sees",
	"update-account":              "a person's own profile",
	"put-avatar":                  "a person's own picture",
	"confirm-avatar":              "a person's own picture",
	"delete-avatar":               "a person's own picture",
	"update-notification-choices": "a person's own choice of mails",
}

// TestEveryChangeIsAuditedOrSaysWhyNot names a new route that changes something outside the work itself and leaves no
// record, and a reason that stands for nothing any more.
func TestEveryChangeIsAuditedOrSaysWhyNot(t *testing.T) {
	stands := map[string]bool{}
	for _, op := range catalog.Routes() {
		reason, excused := unaudited[op.ID]
		silent := !op.Audit && op.Method != "GET"
		if silent && !excused && !slices.Contains(work, op.Area) {
			t.Errorf("%s changes something in %s and is not audited; audit it or say why not", op.ID, op.Area)
		}
		if excused && (!silent || reason == "" || slices.Contains(work, op.Area)) {
			t.Errorf("%s is excused from the audit and needs no excuse", op.ID)
		}
		if op.Audience == api.Staff && !op.Audit {
			t.Errorf("%s is a call of staff and not audited", op.ID)
		}
		stands[op.ID] = true
	}
	for id := range unaudited {
		if !stands[id] {
			t.Errorf("%s is excused from the audit and is no route", id)
		}
	}
	for _, id := range []string{"export-audit", "export-activity", "download-request", "download-export"} {
		if i := slices.IndexFunc(catalog.Routes(), func(op api.Operation) bool { return op.ID == id }); i < 0 || !catalog.Routes()[i].Audit {
			t.Errorf("%s lets data out and is not audited", id)
		}
	}
}
