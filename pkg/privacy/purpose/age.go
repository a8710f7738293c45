package purpose

import "time"

// consentAges are the ages below that of GDPR Art. 8 from which on the law of a country lets a person agree for themself,
// by ISO 3166-1: what states of the European Economic Area have chosen, the United Kingdom (Data Protection Act 2018 s. 9),
// the United States (COPPA), and Canada by its strictest province. Where a law is about to change the higher age counts.
func consentAges() map[string]int {
	return map[string]int{
		"BE": 13, "EE": 13, "FI": 13, "GB": 13, "IS": 13, "LV": 13, "MT": 13, "PT": 13, "SE": 13, "US": 13,
		"AT": 14, "BG": 14, "CA": 14, "CY": 14, "ES": 14, "IT": 14, "LT": 14,
		"CZ": 15, "DK": 15, "FR": 15, "GR": 15, "NO": 15, "SI": 15,
	}
}

// EveryonesAge is from which age on anybody may agree for themself, wherever they live.
const EveryonesAge = 16

// ConsentAge is from which age on a person who lives in a country may themself agree to a purpose that rests on consent.
func ConsentAge(country string) int {
	if age, ok := consentAges()[country]; ok {
		return age
	}
	return EveryonesAge
}

// OldEnough says whether a person has an age on the day of a time.
func OldEnough(born time.Time, age int, now time.Time) bool {
	return !born.AddDate(age, 0, 0).After(now)
}
