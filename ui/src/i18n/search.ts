/** Text made comparable: case, Arabic vowel signs and the letters people write in two ways count as one. */
const FOLD: Record<string, string> = { أ: "ا", إ: "ا", آ: "ا", ٱ: "ا", ى: "ي", ئ: "ي", ؤ: "و", ة: "ه", گ: "ك", چ: "ج", پ: "ب", ڤ: "ف" };

export function plainText(text: string): string {
  return text
    .toLowerCase()
    .normalize("NFKC")
    .replace(/[\u0610-\u061a\u064b-\u065f\u0670\u0640]/g, "")
    .replace(/[أإآٱىئؤةگچپڤ]/g, (letter) => FOLD[letter] ?? letter)
    .replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x0660));
}
