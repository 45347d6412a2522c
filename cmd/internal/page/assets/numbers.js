// Numbers as texts.

const exact = new Intl.NumberFormat("en");

// full is a number with all its digits.
export const full = (n) => exact.format(n);

// short is a count in at most four characters.
export function short(n) {
  for (const unit of ["", "k", "M", "G"]) {
    if (n < 1000) {
      return unit && n < 10 ? (Math.floor(n * 10) / 10).toFixed(1) + unit : Math.floor(n) + unit;
    }
    n /= 1000;
  }
  return Math.floor(n) + "T";
}

// change is how much a count grows a second.
export function change(n) {
  const size = Math.abs(n);
  if (size < 0.05) return "0";
  const text = size < 10 ? size.toFixed(1) : full(Math.round(size));
  return (n > 0 ? "+" : "−") + text;
}

// sentence says all of a queue's counts, for those who can't see the table.
export function sentence([ready, unacked, consumers]) {
  return `${full(ready)} ready, ${full(unacked)} unacknowledged, ${full(consumers)} ${consumers === 1 ? "consumer" : "consumers"}`;
}

// brief is sentence with room for little.
export function brief([ready, unacked, consumers]) {
  const parts = [`${short(ready)} ready`];
  if (unacked > 0) parts.push(`${short(unacked)} unacked`);
  parts.push(consumers === 0 ? "no consumer" : consumers === 1 ? "1 consumer" : `${short(consumers)} consumers`);
  return parts.join(", ");
}
