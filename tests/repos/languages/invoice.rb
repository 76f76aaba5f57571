require "json"
require_relative "../lib/money"

module Billing
  TAX_RATE = 0.2

  # One bill.
  # Sent once.
  class Invoice < Document
    include Comparable
    attr_reader :lines

    def initialize(lines = [], currency: "EUR")
      @lines = lines
    end

    def self.parse(text)
      new(JSON.parse(text))
    end

    # The sum of all lines.
    def total = lines.sum(&:amount)

    def paid?
      Ledger.find(self).settled?
    end

    class << self
      def build
        create_all
      end
    end
  end
end
