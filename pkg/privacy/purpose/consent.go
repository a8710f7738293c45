package purpose

import (
	"crypto/sha256"
	"encoding/hex"

	"pixeltrack.io/platform/pkg/registry"
)

// Text is the words by which consent to one purpose is asked for, in one language. What was served is never edited:
// other words are a new version.
type Text struct {
	Purpose string
	Version int
	Locale  string // BCP 47, "en"
	Body    string
}

// SHA256 is the hash of the exact bytes served, in hexadecimal.
func (t Text) SHA256() string {
	sum := sha256.Sum256([]byte(t.Body))
	return hex.EncodeToString(sum[:])
}

// DefaultLocale is the language of a text that has no other.
const DefaultLocale = "en"

// Texts lists every text ever served, oldest version first.
func Texts() []Text {
	return []Text{
		{Analytics, 1, "en", "May we count which features you use? We store what happened and when under a pseudonym that " +
			"changes every day, delete it after 90 days and keep only totals over groups of ten people or more. Nothing else " +
			"in PixelTrack depends on your answer, and you can take it back at any time under Privacy."},
		{Analytics, 1, "de", "Dürfen wir zählen, welche Funktionen du benutzt? Wir speichern, was wann geschah, unter einem " +
			"Pseudonym, das täglich wechselt, löschen es nach 90 Tagen und behalten nur Summen über Gruppen von mindestens " +
			"zehn Personen. Sonst hängt in PixelTrack nichts von deiner Antwort ab, und du kannst sie jederzeit unter " +
			"Datenschutz zurücknehmen."},
		{ProductResearch, 1, "en", "May we invite you to surveys and interviews about PixelTrack and study your answers? Taking " +
			"part is voluntary each time. You can take this consent back at any time under Privacy; nothing else changes."},
		{ProductResearch, 1, "de", "Dürfen wir dich zu Umfragen und Gesprächen über PixelTrack einladen und deine Antworten " +
			"auswerten? Die Teilnahme ist jedes Mal freiwillig. Du kannst diese Einwilligung jederzeit unter Datenschutz " +
			"zurücknehmen; sonst ändert sich nichts."},
		{MarketingEmail, 1, "en", "May we mail you news about features, offers and events, at most twice a month? You can take " +
			"this back at any time, with one click in every such mail or under Privacy."},
		{MarketingEmail, 1, "de", "Dürfen wir dir Neues über Funktionen, Angebote und Veranstaltungen mailen, höchstens zweimal " +
			"im Monat? Du kannst das jederzeit zurücknehmen, mit einem Klick in jeder solchen Mail oder unter Datenschutz."},
	}
}

// Asked lists the ids of the purposes that consent can be given to by a text of the register.
func Asked() []string {
	var ids []string
	for _, p := range All() {
		if _, ok := Current(p.ID, DefaultLocale); ok && p.Basis == registry.Consent {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// Current is the newest text of a purpose in a locale, or in the default locale when there is none in that one.
func Current(purpose, locale string) (Text, bool) {
	var best Text
	for _, t := range Texts() {
		if t.Purpose != purpose || t.Locale != locale && t.Locale != DefaultLocale {
			continue
		}
		if t.Version > best.Version || t.Version == best.Version && t.Locale == locale {
			best = t
		}
	}
	return best, best.Version > 0
}

// Served finds the text of a purpose by its hash, false when that text was never served for it.
func Served(purpose, sha string) (Text, bool) {
	for _, t := range Texts() {
		if t.Purpose == purpose && t.SHA256() == sha {
			return t, true
		}
	}
	return Text{}, false
}
