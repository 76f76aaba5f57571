package com.acme.stream

import scala.collection.mutable
import com.acme.core.{Clock, Log => Logger, _}

/** A step. */
trait Step[A, B] {
  def run(in: A): B
}

sealed abstract class Event(val id: Long) extends Product with Serializable

case class Paid(amount: BigDecimal) extends Event(1)

/** Makes streams. */
object Stream {
  val Limit: Int = 100
  type Handler = Event => Unit

  // Builds one.
  def apply[A](items: A*)(implicit clock: Clock): Stream[A] = {
    Logger.info("made")
    new Stream(items.toList.map(wrap))
  }
}

class Stream[A](items: List[A]) {
  @inline def map[B](f: A => B): Stream[B] = new Stream(items.map(f))
}
