module Test
  module Unit
    class AssertionFailedError < StandardError; end

    class TestCase
      @@overproof_cases = []

      def self.inherited(kind)
        @@overproof_cases << kind
      end

      def self.overproof_run
        @@overproof_cases.each do |kind|
          tests = kind.public_instance_methods(false).select { |name| name.to_s.start_with?("test") }
          tests.sort.each do |name|
            test = kind.new
            test.setup if test.respond_to?(:setup)
            test.public_send(name)
          end
        end
      end

      def assert(held, words = nil)
        raise AssertionFailedError, "assertion failed: #{words}" unless held
      end

      def assert_equal(want, got, words = nil)
        assert(want == got, words)
      end

      def assert_in_delta(want, got, delta = 0.001, words = nil)
        assert((want - got).abs <= delta, words)
      end

      def assert_true(found, words = nil)
        assert(found == true, words)
      end

      def assert_false(found, words = nil)
        assert(found == false, words)
      end

      def assert_nil(found, words = nil)
        assert(found.nil?, words)
      end
    end
  end
end
