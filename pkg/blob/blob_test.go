package blob_test

import (
	"mime"
	"testing"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/store"
)

func TestKeyPrefix(t *testing.T) {
	user := id.User("usr_01J8ZQ4M2V6TQ0Y7N3W5K9XDCB")
	if got, want := blob.KeyPrefix(store.UserScope(user)), "USER/"+string(user)+"/"; got != want {
		t.Errorf("KeyPrefix = %q; want %q", got, want)
	}
}

func TestDisposition(t *testing.T) {
	tests := []struct{ name, in, want, file string }{
		{"a plain name", "Offer.pdf", `attachment; filename="Offer.pdf"`, "Offer.pdf"},
		{"quotes", `a"b.pdf`, `attachment; filename="a_b.pdf"; filename*=UTF-8''a%22b.pdf`, `a"b.pdf`},
		{"an end of the header", "a\"\r\nSet-Cookie: x=y", `attachment; filename="a_Set-Cookie: x=y"; filename*=UTF-8''a%22Set-Cookie%3A%20x%3Dy`, `a"Set-Cookie: x=y`},
		{"other alphabets", "Größe 5€.txt", `attachment; filename="Gr__e 5_.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%205%E2%82%AC.txt`, "Größe 5€.txt"},
		{"a direction turned", "a\u202efdp.exe", `attachment; filename="afdp.exe"; filename*=UTF-8''afdp.exe`, "afdp.exe"},
		{"a path", `../a\b`, `attachment; filename=".._a_b"; filename*=UTF-8''.._a_b`, ".._a_b"},
		{"percents", "100%25.txt", `attachment; filename="100_25.txt"; filename*=UTF-8''100%2525.txt`, "100%25.txt"},
		{"no text", "\xff\xfe", "attachment", ""},
		{"nothing", "", "attachment", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := blob.Disposition(tt.in)
			if got != tt.want {
				t.Errorf("Disposition(%q) = %s; want %s", tt.in, got, tt.want)
			}
			kind, parameters, err := mime.ParseMediaType(got)
			if kind != "attachment" || parameters["filename"] != tt.file || err != nil {
				t.Errorf("a browser reads %s, %q, %v; want an attachment %q", kind, parameters["filename"], err, tt.file)
			}
		})
	}
}
