package overproof;

import java.io.EOFException;
import java.io.DataInputStream;
import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;

/**
 * Messages over a descriptor: four bytes of length, least significant first, then UTF-8. A socket
 * cannot be opened by name, so the descriptor itself is wrapped (`--add-opens java.base/java.io`).
 */
final class Channel {
  private final DataInputStream in;
  private final OutputStream out;

  Channel(int number) throws ReflectiveOperationException {
    Constructor<FileDescriptor> wrap = FileDescriptor.class.getDeclaredConstructor(int.class);
    wrap.setAccessible(true);
    FileDescriptor descriptor = wrap.newInstance(number);
    in = new DataInputStream(new FileInputStream(descriptor));
    out = new FileOutputStream(descriptor);
  }

  /** Returns the next message, or null at the end. */
  String receive() throws IOException {
    try {
      byte[] content = new byte[Integer.reverseBytes(in.readInt())];
      in.readFully(content);
      return new String(content, StandardCharsets.UTF_8);
    } catch (EOFException end) {
      return null;
    }
  }

  void send(byte[] content) throws IOException {
    byte[] frame = new byte[4 + content.length];
    for (int i = 0; i < 4; i++) frame[i] = (byte) (content.length >>> 8 * i);
    System.arraycopy(content, 0, frame, 4, content.length);
    out.write(frame);
  }
}
