# Answers calls to one method of a Ruby program, in plain data over descriptor 3.
# Loaded before the program, whose methods at the top become methods of every object: nothing here
# calls Kernel's without naming it, and what programs like to redefine was taken beforehand.
module OverproofDriver
  CHANNEL = IO.for_fd(3, "r+b", autoclose: false)
  PROGRAM = "program.rb"
  MAX_DEPTH, MAX_BYTES = 100, 8 << 20
  ESCAPED = ("\x00".."\x1f").to_h { |c| [c.b, format("\\u%04x", c.ord)] }
                            .merge("\"".b => "\\\"", "\\".b => "\\\\").freeze
  UNESCAPED = { "n" => "\n", "t" => "\t", "r" => "\r", "b" => "\b", "f" => "\f" }.freeze
  WORDS = { "null" => nil, "true" => true, "false" => false, "NaN" => Float::NAN,
            "Infinity" => Float::INFINITY, "-Infinity" => -Float::INFINITY }.freeze
  INTEGER_TEXT, FLOAT_TEXT = Integer.instance_method(:to_s), Float.instance_method(:to_s)
  STRING_COPY, SYMBOL_TEXT = String.instance_method(:b), Symbol.instance_method(:name)
  GSUB = String.instance_method(:gsub)
  SIZE, AT = Array.instance_method(:size), Array.instance_method(:at)
  PAIRS, ENTRIES = Hash.instance_method(:to_a), Struct.instance_method(:to_a)
  NAME, CLASS = Module.instance_method(:name), Kernel.instance_method(:class)
  METHOD = Kernel.instance_method(:method)

  class TooLarge < Exception; end

  # Reads JSON, and at once makes the values that tagged objects stand for.
  class Reader
    def initialize(text)
      @text, @at = text, 0
    end

    def value
      skip
      case @text.getbyte(@at)
      when 0x5b then list
      when 0x7b then object
      when 0x22 then string
      else word
      end
    end

    private

    def skip
      @at += 1 while (byte = @text.getbyte(@at)) && byte <= 0x20
    end

    # Whether what is between the brackets goes on after a comma.
    def more?(closing)
      skip
      byte = @text.getbyte(@at)
      @at += 1 if byte == closing || byte == 0x2c
      byte != closing
    end

    def list
      @at += 1
      found = []
      found << value while more?(0x5d)
      found
    end

    def object
      @at += 1
      found = {}
      while more?(0x7d)
        skip
        key = string
        skip
        @at += 1
        found[key] = value
      end
      tag, content = found.first
      case tag
      when "tuple" then content
      when "set", "frozenset" then ::Set.new(content)
      when "dict" then content.to_h
      when "int" then content.hex
      else found
      end
    end

    def string
      @at += 1
      found = String.new(encoding: Encoding::BINARY)
      while true
        stop = @text.index(/["\\]/n, @at)
        found << @text[@at...stop]
        @at = stop + 1
        return found.force_encoding(Encoding::UTF_8) if @text.getbyte(stop) == 0x22

        found << escape
      end
    end

    def escape
      sign = @text[@at]
      @at += 1
      return (UNESCAPED[sign] || sign).b unless sign == "u"

      code = unit
      if code.between?(0xd800, 0xdbff) && @text[@at, 2] == "\\u"
        @at += 2
        code = 0x10000 + ((code - 0xd800) << 10) + unit - 0xdc00
      end
      [code].pack("U").b
    end

    def unit
      @at += 4
      @text[@at - 4, 4].hex
    end

    def word
      found = @text.match(/\G[-+.\w]+/n, @at)[0]
      @at += found.bytesize
      return WORDS[found] if WORDS.key?(found)

      found.match?(/\A-?\d+\z/n) ? found.to_i : found.to_f
    end
  end

  class << self
    def send_message(text)
      frame = [text.bytesize].pack("V") << text
      sent = 0
      sent += CHANNEL.syswrite(frame.byteslice(sent..)) while sent < frame.bytesize
    end

    def read_exactly(size)
      content = String.new(encoding: Encoding::BINARY)
      content << CHANNEL.sysread(size - content.bytesize) while content.bytesize < size
      content
    rescue ::EOFError, ::SystemCallError
      ::Process.exit!(0)
    end

    def receive
      Reader.new(read_exactly(read_exactly(4).unpack1("V"))).value
    end

    def put_text(out, text)
      text = STRING_COPY.bind_call(text).force_encoding(text.encoding)
      unless text.encoding == Encoding::UTF_8 || text.encoding == Encoding::BINARY
        text = text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
      end
      text = text.force_encoding(Encoding::UTF_8).scrub.b
      out << '"' << GSUB.bind_call(text, /["\\\x00-\x1f]/n, ESCAPED) << '"'
    end

    def put_integer(out, value)
      return out << INTEGER_TEXT.bind_call(value) if value.abs < 1 << 53

      out << "{\"int\":\"#{value.negative? ? '-' : ''}0x#{INTEGER_TEXT.bind_call(value.abs, 16)}\"}"
    end

    def put_items(out, items, depth)
      place = 0
      while place < SIZE.bind_call(items)
        out << "," if place.positive?
        put(out, AT.bind_call(items, place), depth + 1)
        place += 1
      end
    end

    def put_tagged(out, tag, items, depth)
      out << "{\"" << tag << "\":["
      put_items(out, items, depth)
      out << "]}"
    end

    def put(out, value, depth)
      ::Kernel.raise TooLarge if out.bytesize > MAX_BYTES
      return put_opaque(out, "deep") if depth > MAX_DEPTH

      case value
      when ::NilClass then out << "null"
      when ::TrueClass then out << "true"
      when ::FalseClass then out << "false"
      when ::Integer then put_integer(out, value)
      when ::Float then out << FLOAT_TEXT.bind_call(value)
      when ::String then put_text(out, value)
      when ::Symbol then put_text(out, SYMBOL_TEXT.bind_call(value))
      when ::Array
        out << "["
        put_items(out, value, depth)
        out << "]"
      when ::Hash then put_tagged(out, "dict", PAIRS.bind_call(value), depth)
      when ::Struct then put_tagged(out, "tuple", ENTRIES.bind_call(value), depth)
      when ::Set then put_tagged(out, "set", value.to_a, depth)
      else put_opaque(out, name_of(value))
      end
    end

    def put_opaque(out, name)
      out << "{\"opaque\":"
      put_text(out, name)
      out << "}"
    end

    def name_of(value)
      (NAME.bind_call(CLASS.bind_call(value)) || "object")[0, 60]
    end

    def message_of(error)
      text = error.message
      text = ::String === text ? STRING_COPY.bind_call(text).force_encoding(Encoding::UTF_8) : ""
      text.scrub.strip.split("\n").first.to_s[0, 200]
    rescue ::StandardError, ::SystemStackError
      ""
    end

    def value_message(value)
      out = String.new("{\"value\":", encoding: Encoding::BINARY)
      put(out, value, 0)
      out << "}"
      ::Kernel.raise TooLarge if out.bytesize > MAX_BYTES
      out
    end

    def text_message(first, kind, detail)
      out = String.new("{\"#{first}\":", encoding: Encoding::BINARY)
      put_text(out, kind)
      out << ",\"detail\":"
      put_text(out, detail)
      out << "}"
    end

    # Rubygems takes longer to start than Ruby: only for a library that is found in no other way.
    def prepare_gems(source)
      wanted = source.scan(/^\s*require[\s(]+["']([\w\/.-]+)["']/).flatten
      found = wanted.all? { |name| $LOAD_PATH.resolve_feature_path(name) }
      ::Kernel.require "rubygems" unless found
    end

    def target(name)
      main = TOPLEVEL_BINDING.receiver
      found = begin
        METHOD.bind_call(main, name)
      rescue ::NameError
        nil
      end
      return found if found&.source_location&.first == PROGRAM
      return unless TOPLEVEL_BINDING.local_variable_defined?(name)

      held = TOPLEVEL_BINDING.local_variable_get(name)
      held if ::Proc === held || ::Method === held
    rescue ::NameError
      nil
    end

    def load_program(name)
      source = ::File.read(PROGRAM, encoding: "UTF-8").delete_prefix("\uFEFF")
      prepare_gems(source)
      TOPLEVEL_BINDING.eval(source, PROGRAM)
      found = target(name)
      send_message(text_message("failed", "no_code", "no method #{name}")) unless found
      found
    rescue ::SystemExit
      # A program that ends once it has defined its method has done its part.
      target(name) || ::Process.exit!(0)
    rescue ::SyntaxError => error
      send_message(text_message("failed", "compile_error", message_of(error)))
      nil
    rescue ::Exception => error
      detail = "#{name_of(error)}: #{message_of(error)}"
      send_message(text_message("failed", "error", "while loading: #{detail}"))
      nil
    end

    def answer(target, args)
      value_message(target.call(*args))
    rescue TooLarge
      text_message("raised", "OutputLimit", "the result is too large")
    rescue ::SystemStackError => error
      text_message("raised", "RecursionError", message_of(error))
    rescue ::SystemExit
      ::Kernel.raise
    rescue ::Exception => error
      text_message("raised", name_of(error), message_of(error))
    end

    def serve(name)
      found = load_program(name)
      return unless found

      send_message('{"loaded":true}')
      while true
        calls = receive["calls"]
        place = -1
        while (place += 1) < SIZE.bind_call(calls)
          send_message(answer(found, AT.bind_call(calls, place)["args"]))
        end
      end
    end
  end
end

STDOUT.reopen(STDERR)
autoload :Set, "set"
