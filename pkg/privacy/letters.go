package privacy

import (
	"maps"
	"slices"

	"pixeltrack.io/platform/pkg/privacy/request"
)

// Letter is the text of one mail about a request: its subject, its paragraphs, and where its link leads on the web app.
type Letter struct {
	Subject    string
	Paragraphs []string
	Label      string // of the link; empty for none
	Path       string // /privacy/requests/dsr_…
	TokenOf    string // what the link opens by a token, an export for one; empty for a link without one
	TokenFor   string // what the token is for
	Answerable bool   // an answer to the mail comes to the request
}

// Templates lists the mails of this area, by the name that the outbox knows them by.
func Templates() []string {
	return []string{MailReceived, MailClarified, MailAnswered, MailDenied, MailExtended, MailForwarded, MailErasure, MailDisclosed, MailChildConfirm, MailChildFrozen, MailChildThawed}
}

// Write gives the text of a mail from the ids that the outbox keeps of it, false for a template of another area.
func Write(template string, ids map[string]string) (Letter, bool) {
	if !slices.Contains(Templates(), template) {
		return Letter{}, false
	}
	kind := kindInWords(request.Kind(ids["kind"]))
	if l, ok := aboutChild(template, ids); ok {
		return l, true
	}
	l := Letter{Label: "See your request", Path: "/privacy/requests/" + ids["case"], Answerable: true}
	if OfReport(template, ids) {
		l.Label, l.Path, l.Answerable = "", "", false // who reports has no account to see it in
	}
	switch template {
	case MailReceived:
		l.Subject = "We have your privacy request"
		l.Paragraphs = []string{"We have received your request: " + kind + ".", "Its number is " + ids["case"] + ". You have our answer by " +
			ids["due"] + " at the latest; how that date was found is shown with the request."}
		switch request.State(ids["state"]) {
		case request.IdentityPending:
			l.Paragraphs = append(l.Paragraphs, "Please log in again and confirm the request, so that we know it is you. Nothing else is needed.")
			if ids["by"] == byCode {
				l.Paragraphs[len(l.Paragraphs)-1] = "Please open the request by the link, with the code that we mail you there, so that we know that this address is yours. Nothing else is needed."
			}
		case request.Fulfilled:
			l.Paragraphs = []string{"We have received your request: " + kind + ".", "Its number is " + ids["case"] + ". It has taken effect; this is our answer."}
		}
		if ids["agent"] != "" {
			l.Paragraphs[0] = ids["agent"] + " says to be your authorized agent, and asks us this for you: " + kind + "."
			l.Paragraphs = append(l.Paragraphs, "If you do not know of it, do nothing: nothing of yours goes to anybody. Whether they are told how it ends is yours to say when you confirm; they get no data either way.")
		}
		if request.Kind(ids["kind"]) == request.Unclear {
			l.Paragraphs[0] = "We have received your message about personal data."
			l.Paragraphs = append(l.Paragraphs, "We could not tell which right you want to use, or whether you have a question. Please answer this mail and say which: a copy of your data (access), "+
				"your data in open formats (portability), correcting it, erasing it, restricting or objecting to its use, or taking back consent. If it is a question, nothing is needed: somebody will answer it.")
		}
	case MailClarified:
		l.Subject = "Your privacy request is clear now"
		l.Paragraphs = []string{"Thank you. Your request is about: " + kind + ".", "You have our answer by " + ids["due"] + " at the latest, counted from your first message."}
		switch {
		case request.State(ids["state"]) != request.IdentityPending:
		case ids["by"] == byCode:
			l.Paragraphs = append(l.Paragraphs, "Please open the request by the link, with the code that we mail you there, so that we know that this address is yours. Nothing else is needed.")
		default:
			l.Paragraphs = append(l.Paragraphs, "Please log in again and confirm the request, so that we know it is you. Nothing else is needed.")
		}
	case MailAnswered:
		if ids["package"] != "" {
			return Letter{Subject: "The export of your organization is ready", Label: "Fetch it", Path: "/organization/export", TokenOf: ids["package"], TokenFor: ExportPurpose,
				Paragraphs: []string{"Everything that your organization has in PixelTrack is ready to be fetched until " + ids["until"] + ".",
					"This link and your password open it, even when your account is deleted."}}, true
		}
		l.Subject = "Your privacy request is answered"
		l.Paragraphs = []string{"We have answered your request: " + kind + "."}
		if ids["until"] != "" {
			how := "You need to be logged in; each link works for five minutes."
			if ids["by"] == byCode {
				how = "You need the code that we mail you there; each link works for five minutes."
			}
			l.Paragraphs = append(l.Paragraphs, "You can fetch the package until "+ids["until"]+". "+how)
		}
	case MailDenied:
		l.Subject = "Your privacy request could not be answered"
		l.Paragraphs = []string{"We could not act on your request: " + kind + ".", "The reason: " + reasonInWords(ids["reason"]), recourse}
	case MailExtended:
		l.Subject = "Your privacy request takes longer"
		l.Paragraphs = []string{"We are still at work on your request: " + kind + ".", "The reason: " + reasonInWords(ids["reason"]),
			"You have our answer by " + ids["due"] + " at the latest. That is as long as the law that applies to you allows; how the date was found is shown with the request.", recourse}
	case MailForwarded:
		l.Subject = "Your privacy request was forwarded"
		l.Paragraphs = []string{"You asked us for this: " + kind + ". Your address is also among the contacts that " + organizations(ids["count"]) + " with PixelTrack. What they keep of you is theirs to decide about, so we have forwarded your request to them.",
			"Which they are, since when they know, and what they answer is shown with the request, whose number is " + ids["case"] + ". You hear from us by " + ids["due"] + " at the latest, and you can turn to them yourself at any time.",
			"What we decide about ourselves has a request of its own, which goes on as before."}
	case MailDisclosed:
		l.Subject = "We had to hand over data about you"
		l.Label, l.Path, l.Answerable = "See what was handed over", "/privacy/disclosures", false
		l.Paragraphs = []string{"A court or authority demanded data about you, and the law obliged us to hand it over. Two of us examined the demand first.",
			"Your disclosures show to whom, when and which kinds of data.", recourse}
	case MailErasure:
		l.Subject = "Your privacy request is carried out: your account is being erased"
		l.Label, l.Path, l.Answerable = "", "", false
		if ids["by"] == byCode {
			l.Subject = "Your privacy request is carried out: what you wrote to us is being erased"
			l.Paragraphs = []string{"We are erasing what we have of you now, as you asked, and revoking invitations to this address. This is the last mail to it.",
				"What stays, under a keyed hash and without what leads to you: proof of this request for 36 months. Backups age out within 35 days.", recourse}
			return l, true
		}
		l.Paragraphs = []string{"We are erasing your account now, as you asked. This is the last mail to this address.",
			"What stays, under a keyed hash and without what leads to you: proof of consents and requests for 36 months, records of security " +
				"and privacy actions for 7 years, and invoices for 7 years without your name. Backups age out within 35 days.",
			"What you wrote into the work of an organization, its notes, entries, files and tickets, is the organization's. It stays there without your name " +
				"until the organization deletes it or closes; ask the organization about it.", recourse}
	}
	return l, true
}

// byCode says of a mail that its person has no account, and opens requests with mailed codes.
const byCode = "code"

// ByCode says in the ids of a mail that its person has no account.
func ByCode(ids map[string]string) map[string]string {
	ids = maps.Clone(ids)
	ids["by"] = byCode
	return ids
}

// WriteCode gives the text of a mail that tells a code.
func WriteCode(code string) Letter {
	return Letter{Subject: "Your code for your privacy request", Paragraphs: []string{"Your code is " + code + ".",
		"It opens your request once, within 10 minutes. If you did not ask for it, somebody else may have; nothing happens without the code."}}
}

// OfReport says whether a mail goes to who has reported a child's account.
func OfReport(template string, ids map[string]string) bool {
	return template == MailChildConfirm || request.Kind(ids["kind"]) == request.ChildReport
}

// aboutChild writes the mails about reports of children's accounts, false for another. Those to the reporter say nothing
// that tells whether there is an account; those to the account are written so that a child understands them.
func aboutChild(template string, ids map[string]string) (Letter, bool) {
	reporter := request.Kind(ids["kind"]) == request.ChildReport
	switch {
	case template == MailChildConfirm:
		return Letter{Subject: "Confirm your report about a child's account", Label: "Confirm the report", Path: "/privacy/child-report", TokenOf: ids["report"], TokenFor: ChildReportPurpose,
			Paragraphs: []string{"Somebody, we think you, reports that a PixelTrack account belongs to a child under 13.",
				"Confirm the report with this link, within a day. The account is then frozen at once, and people of ours look at it. You need no account and no document.",
				"If it was not you, do nothing: without a confirmation nothing happens, and what was typed in is deleted."}}, true
	case template == MailChildFrozen:
		return Letter{Subject: "Your PixelTrack account is paused while we check something", Paragraphs: []string{
			"Somebody has told us that this account belongs to a child under 13. PixelTrack is made for work, and not for children under 13, so nothing in it can be used for now.",
			"If you are under 13: you have done nothing wrong. Please show this mail to your mother or father, or to whoever looks after you.",
			"If you are their mother, father or guardian: you need do nothing. When we find that the account is a child's, we erase it with everything in it, and never ask for a document. You can write to privacy@pixeltrack.io at any time, also to have it done at once.",
			"If you are 13 or older: write to privacy@pixeltrack.io. A person reads it, and opens the account again. Meanwhile you can still export your data, delete it, and use every right you have."}}, true
	case template == MailChildThawed:
		return Letter{Subject: "Your PixelTrack account is open again", Paragraphs: []string{"We have looked at your account and found that it is not a child's. Everything in it is as it was.", "We are sorry for the trouble."}}, true
	case reporter && template == MailReceived:
		return Letter{Subject: "We have your report about a child's account", Paragraphs: []string{"Thank you. If there is such an account, it is frozen now, and people of ours look at it.",
			"The number of your report is " + ids["case"] + ". You hear what became of it by " + ids["due"] + " at the latest. You need do nothing more."}}, true
	case reporter && template == MailAnswered:
		return Letter{Subject: "The child's account is erased", Paragraphs: []string{"We found your report " + ids["case"] + " to be right. The account is erased with everything in it.",
			"Copies in backups age out within 35 days. Your own address is forgotten after 30 days."}}, true
	case reporter && template == MailDenied:
		return Letter{Subject: "Your report about a child's account", Paragraphs: []string{"We looked into your report " + ids["case"] + " and could not act on it: either we hold no account under that address, or what we know speaks against its being a child's.",
			"If you are the child's mother, father or guardian and know more, write to privacy@pixeltrack.io; a person reads it.", recourse}}, true
	}
	return Letter{}, false
}

func organizations(count string) string {
	if count == "1" {
		return "an organization keeps"
	}
	return count + " organizations keep"
}

func kindInWords(k request.Kind) string {
	switch k {
	case request.Access, request.KnowSpecific:
		return "a copy of your personal data"
	case request.Portability:
		return "your personal data in open formats"
	case request.KnowCategories:
		return "which kinds of personal data we hold"
	case request.Rectification:
		return "correcting your personal data"
	case request.Erasure:
		return "erasing your personal data"
	case request.Restriction:
		return "restricting the processing of your personal data"
	case request.RestrictionLift:
		return "lifting the restriction of your personal data"
	case request.Objection:
		return "an objection to processing"
	case request.ConsentWithdrawal:
		return "taking back consent"
	case request.OptOut:
		return "opting out of sale and sharing"
	case request.Limit:
		return "limiting the use of sensitive information"
	case request.ChildReport:
		return "a report about a child's data"
	case request.Unclear:
		return "what your message asks for"
	}
	return "a question about personal data"
}

func reasonInWords(code string) string {
	switch code {
	case "insufficient_verification":
		return "we could not make sure that it was you who asked. Log in and make the request again; nothing else is needed."
	case denialController:
		return "what is asked for concerns data that organizations decide about, and none did it. The request shows which, and why. You can turn to them, or complain about them."
	case denialNoData:
		return "the organizations that we forwarded it to have answered that they have nothing of you, or have closed."
	case denialSilent:
		return "we forwarded it to the organizations that decide about the data, and have no answer that it was done. We may not decide in their place. The request shows which they are: please turn to them, or complain about them."
	case groundObligation:
		return "a law obliges us to keep or to do what you ask us to end."
	case groundClaims:
		return "it is needed to establish, exercise or defend legal claims."
	case groundExpression:
		return "somebody's freedom of expression and information weighs more."
	case groundInterest:
		return "a task in the public interest needs it."
	case groundOthers:
		return "it would take from the rights and freedoms of other people."
	case groundCompelling:
		return "we have compelling legitimate grounds that weigh more, which the request explains."
	case groundUnfounded:
		return "the request is manifestly unfounded."
	case groundExcessive:
		return "the request is excessive, for one because it repeats an earlier one."
	case groundNotHeld:
		return "we do not hold what you ask about."
	case groundAccurate:
		return "we found what we hold to be right."
	case groundComplexity:
		return "the request is complex."
	case groundManyAtOnce:
		return "there are many requests."
	}
	return code
}
