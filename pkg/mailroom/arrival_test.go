package mailroom_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/mailroom"
	"pixeltrack.io/platform/pkg/store"
)

const secret = "whsec_c2VjcmV0"

func signed(at time.Time, body string) map[string]string {
	m := hmac.New(sha256.New, []byte("secret"))
	fmt.Fprintf(m, "msg_1.%d.%s", at.Unix(), body)
	return map[string]string{"svix-id": "msg_1", "svix-timestamp": fmt.Sprint(at.Unix()), "svix-signature": "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))}
}

func news(id string) string {
	return `{"type":"email.received","created_at":"2026-03-02T09:00:00Z","data":{"email_id":"` + id + `","from":"ada@example.com","to":["support@pixeltrack.io"]}}`
}

func TestTheNewsOfAMail(t *testing.T) {
	const known = "4ef9a417-02e9-4d39-ad75-9611e0fcc33c"
	w := apitest.New(t)
	now := w.Clock.Now()
	tests := []struct {
		name    string
		body    string
		headers map[string]string
		status  int
		code    string
		there   int // arrivals afterwards
	}{
		{"not signed", news(known), nil, 401, "signature_invalid", 0},
		{"not signed, and no event", `{`, nil, 401, "signature_invalid", 0},
		{"of another body", news(known), signed(now, news("other-one")), 401, "signature_invalid", 0},
		{"old", news(known), signed(now.Add(-301*time.Second), news(known)), 401, "signature_expired", 0},
		{"no event", `{`, signed(now, `{`), 400, "not_an_event", 0},
		{"of a mail that was sent", `{"type":"email.sent","data":{"email_id":"` + known + `"}}`, signed(now, `{"type":"email.sent","data":{"email_id":"`+known+`"}}`), 200, "", 0},
		{"of an id that is none", news("a#b"), signed(now, news("a#b")), 200, "", 0},
		{"a mail", news(known), signed(now, news(known)), 200, "", 1},
		{"the same again", news(known), signed(now, news(known)), 200, "", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := w.In(t)
			w.Want(w.Call(mailroom.ReceiveInboundMail(w.Store, secret), apitest.Caller{}, apitest.Request{Body: tt.body, Headers: tt.headers}), tt.status, tt.code)
			n := 0
			for _, err := range store.AllDue(t.Context(), w.Store.BindPlatform(store.Actor{Who: "test"}), mailroom.DueArrival, now.Add(time.Hour)) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != tt.there {
				t.Errorf("%d mails wait; want %d", n, tt.there)
			}
		})
	}
}
