// What packing.py packed: base64 of gzip of JSON.
async function unpack(id) {
  const node = document.getElementById(id);
  const packed = node.textContent.trim();
  node.remove(); // Megabytes that nobody reads again.
  const stream = new Blob([bytesOf(packed)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

function bytesOf(packed) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(packed);
  const text = atob(packed);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

// A prompt is its text, or an edit of another: characters shared at start and end, and the middle.
function applyEdit(before, [start, end, middle]) {
  return before.slice(0, start) + middle + before.slice(before.length - end);
}
