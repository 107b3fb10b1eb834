// Proves that both languages say the same things and that no screen says anything by itself:
// equal keys in locales/ar and locales/en (plural forms as each language needs them), equal {{values}}, no literal text in JSX.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import ts from "typescript";

const root = new URL("../src/", import.meta.url).pathname;
const faults = [];
const FORMS = { ar: ["zero", "one", "two", "few", "many", "other"], en: ["one", "other"] };
const PLURAL = /_(zero|one|two|few|many|other)$/;

function flat(value, prefix = "") {
  if (typeof value === "string") return { [prefix]: value };
  return Object.assign({}, ...Object.entries(value).map(([key, inner]) => flat(inner, prefix ? `${prefix}.${key}` : key)));
}
function values(text) {
  return [...text.matchAll(/\{\{\s*(\w+)/g)].map((match) => match[1]).sort();
}
const words = { ar: {}, en: {} };
for (const language of ["ar", "en"]) {
  for (const file of readdirSync(join(root, "locales", language))) {
    if (!file.endsWith(".json")) continue;
    const name = file.replace(".json", "");
    for (const [key, text] of Object.entries(flat(JSON.parse(readFileSync(join(root, "locales", language, file), "utf8"))))) {
      words[language][`${name}:${key}`] = text;
    }
  }
}
for (const [language, other] of [["ar", "en"], ["en", "ar"]]) {
  const plurals = new Set();
  for (const [key, text] of Object.entries(words[language])) {
    if (PLURAL.test(key) && (key.replace(PLURAL, "_other") in words[language])) {
      plurals.add(key.replace(PLURAL, ""));
      continue;
    }
    if (!(key in words[other])) faults.push(`${key} is in ${language} and not in ${other}`);
    else if (language === "en" && String(values(text)) !== String(values(words.ar[key]))) faults.push(`${key}: {{values}} differ`);
  }
  for (const base of plurals) {
    for (const form of FORMS[language]) if (!(`${base}_${form}` in words[language])) faults.push(`${base}_${form} is missing in ${language}`);
    if (!(`${base}_other` in words[other])) faults.push(`${base} counts in ${language} and not in ${other}`);
  }
}

const LETTERS = /\p{L}{2,}/u;
const SPOKEN = new Set(["label", "title", "placeholder", "alt", "aria-label", "hint", "description"]);
const used = [];
function walk(folder) {
  for (const entry of readdirSync(folder)) {
    const path = join(folder, entry);
    if (statSync(path).isDirectory()) walk(path);
    else if (/\.tsx?$/.test(entry) && !/\.test\.tsx?$/.test(entry)) read(path);
  }
}
function read(path) {
  const text = readFileSync(path, "utf8");
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, path.endsWith("x") ? ts.ScriptKind.TSX : ts.ScriptKind.TS);
  const where = (node) => `${relative(root, path)}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
  const visit = (node) => {
    if (ts.isJsxText(node) && LETTERS.test(node.text)) faults.push(`${where(node)}: literal text “${node.text.trim()}”`);
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText()) && node.initializer && ts.isStringLiteral(node.initializer) && LETTERS.test(node.initializer.text)) {
      faults.push(`${where(node)}: literal ${node.name.getText()} “${node.initializer.text}”`);
    }
    if (ts.isCallExpression(node) && /(^|\.)t$/.test(node.expression.getText()) && node.arguments[0] && ts.isStringLiteral(node.arguments[0])) {
      used.push({ key: node.arguments[0].text, where: where(node), namespaces: [...text.matchAll(/useTranslation\(\s*\[?([^)]*)\)/g)].flatMap((m) => [...m[1].matchAll(/"(\w+)"/g)].map((n) => n[1])) });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}
walk(root);
const known = (key) => key in words.en || `${key}_other` in words.en;
for (const { key, where, namespaces } of used) {
  if (key.includes(":") ? known(key) : known(`common:${key}`) || namespaces.some((name) => known(`${name}:${key}`))) continue;
  faults.push(`${where}: no words for “${key}”`);
}
if (faults.length) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`words: ${Object.keys(words.en).length} in English, ${Object.keys(words.ar).length} in Arabic, all keys matched`);
