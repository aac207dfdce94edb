/** Base64 shorter than this says too little to be recognised, in characters. */
const MIN_BASE64 = 8;
/** A line of a secret of several lines that is shorter than this may be anything, in characters. */
const MIN_LINE = 16;
/** Where `base64` breaks lines. */
const BASE64_LINE = 76;

/**
 * The ways in which a secret may appear in text: plain, its longer lines alone, escaped as in JSON, percent-encoded, as hex, and inside
 * base64 (both alphabets) wherever it begins: of what it mixes with at its ends only the characters that are its own.
 */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value, 'utf8');
  const percent = encodeURIComponent(value);
  const plain = [value, ...value.split(/\r?\n/).filter((line) => line.length >= MIN_LINE)];
  const forms = [
    ...plain,
    ...plain.map((text) => JSON.stringify(text).slice(1, -1)),
    percent,
    percent.replaceAll('%20', '+'),
    percent.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    bytes.toString('hex'),
    bytes.toString('hex').toUpperCase(),
    ...base64Forms(bytes),
  ];
  return [...new Set(forms)];
}

function base64Forms(bytes: Buffer): readonly string[] {
  const whole = bytes.toString('base64');
  const inside = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes, Buffer.alloc(2)]).toString('base64');
    return text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
  });
  const forms = [whole, ...inside].filter((form) => form.length >= MIN_BASE64);
  const broken =
    whole.length > BASE64_LINE ? [whole.replaceAll(new RegExp(`.{${BASE64_LINE}}(?=.)`, 'g'), '$&\n')] : [];
  return [...forms, ...forms.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')), ...broken];
}
